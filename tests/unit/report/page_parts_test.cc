#include "report/page_parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "report/tables.h"
#include "small_store.h"
#include "support/files.h"
#include "unit/report/answers/answer_store.h"

namespace nibble::report {
namespace {

using nibble::testing::TempFolder;
using ::testing::HasSubstr;
using ::testing::Not;

class PagePartsTest : public ::testing::Test {
 protected:
  TempFolder folder_;
  Data data_ = gather(small_store(folder_ / "s.db"));
};

TEST_F(PagePartsTest, OverviewMarksSignificantLossesOnly) {
  const std::string html = overview_html(data_);
  EXPECT_THAT(html, HasSubstr("worse-cell\" data-sort=\"24.5\""));
  EXPECT_THAT(html, HasSubstr("<span class=\"delta worse\">\u221225.0 [\u221275.0, 0.0]</span>"));
  EXPECT_THAT(html, HasSubstr("2 of 4 samples so far"));
  EXPECT_THAT(html, Not(HasSubstr(">0.00<")));
}

TEST_F(PagePartsTest, MissingCellsSortLast) {
  EXPECT_THAT(overview_html(data_), HasSubstr("missing\" data-sort=\"\">not run yet"));
}

TEST_F(PagePartsTest, ExamplesShowWantedAndBothAnswers) {
  const std::string html = examples_html(data_);
  EXPECT_THAT(html, HasSubstr("Who built &lt;the&gt; mill?"));
  EXPECT_THAT(html, HasSubstr("the reference got it right"));
  EXPECT_THAT(html, HasSubstr("<dt>Reference</dt><dd><pre>Oda &amp; son</pre>"));
  EXPECT_THAT(html, Not(HasSubstr(">pages<")));  // perplexity has no wrong answers
}

TEST_F(PagePartsTest, PlotDataHasNullForWhatIsMissing) {
  const Json json = parse_json(plot_data_json(data_), "data").take();
  ASSERT_EQ(json["variants"].size(), 4U);
  EXPECT_EQ(json["variants"][1]["size_mb"], 50.0);
  EXPECT_EQ(json["variants"][1]["results"][0]["difference"]["significant"], true);
  EXPECT_TRUE(json["variants"][2]["results"][1].is_null());
  EXPECT_TRUE(json["variants"][3]["size_mb"].is_null());
  EXPECT_TRUE(json["variants"][0]["results"][0]["low"].is_null());
  EXPECT_EQ(json["tasks"][1]["difference_unit"], "points");
}

TEST_F(PagePartsTest, WhatNoAxisHoldsIsMissingInThePlots) {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  auto& row = *data_.variants[1].outcomes[0].metrics[0].value;
  const auto result = [&] {
    return parse_json(plot_data_json(data_), "data").take()["variants"][1]["results"][0];
  };
  row.value = kInfinite;
  EXPECT_TRUE(result().is_null());
  row.value = 24.5;
  row.high = kInfinite;
  EXPECT_TRUE(result().is_null());
  row.high = 26;
  row.comparison->high = kInfinite;
  EXPECT_EQ(result()["value"], 24.5);
  EXPECT_FALSE(result().contains("difference"));
}

TEST_F(PagePartsTest, TasksOverDocumentsHaveTablesOfTheirOwn) {
  EXPECT_EQ(answers_html(data_), "");
  const Data data = gather(answer_store(folder_ / "a.db"));
  EXPECT_THAT(overview_html(data), Not(HasSubstr("squad")));
  const std::string html = answers_html(data);
  EXPECT_THAT(html, HasSubstr("<h3>squad<small>8 questions</small></h3>"));
  EXPECT_THAT(html, HasSubstr("squad@2048<small>f1, %"));
  EXPECT_THAT(html, HasSubstr("\u221237.5 [\u221238.5, \u221236.5] \u25BC"));
  const Json json = parse_json(plot_data_json(data), "data").take();
  EXPECT_EQ(json["tasks"][0]["over_documents"], true);
  EXPECT_EQ(json["answers"].size(), 1U);
}

TEST_F(PagePartsTest, RecipesAndNotesAreShown) {
  EXPECT_THAT(recipes_html(data_), HasSubstr("solve = &quot;nearest&quot;"));
  EXPECT_THAT(notes_html(data_), HasSubstr("The file is already in 4 bits."));
  EXPECT_THAT(facts_html(data_), HasSubstr("<dt>Model</dt><dd>Mill-1B</dd>"));
}

TEST_F(PagePartsTest, FoldedTablesCarrySortKeys) {
  const std::string html = folded_table_html(quality_table(data_));
  EXPECT_THAT(html, HasSubstr("data-sort=\"0.75\">75.0 [30.0, 95.4]"));
  EXPECT_THAT(html, HasSubstr("choice_50%"));
}

}  // namespace
}  // namespace nibble::report
