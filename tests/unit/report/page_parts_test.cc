#include "report/page_parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

TEST_F(PagePartsTest, TasksOverDocumentsHaveTablesOfTheirOwn) {
  EXPECT_EQ(answers_html(data_), "");
  const Data data = gather(answer_store(folder_ / "a.db"));
  EXPECT_THAT(overview_html(data), Not(HasSubstr("squad")));
  const std::string html = answers_html(data);
  EXPECT_THAT(html, HasSubstr("<h3>squad<small>8 questions</small></h3>"));
  EXPECT_THAT(html, HasSubstr("squad@2048<small>f1, %"));
  EXPECT_THAT(html, HasSubstr("\u221237.5 [\u221238.5, \u221236.5] \u25BC"));
}

TEST_F(PagePartsTest, FactsAndNotesAreShown) {
  EXPECT_THAT(notes_html(data_), HasSubstr("The file is already in 4 bits."));
  EXPECT_THAT(facts_html(data_), HasSubstr("<dt>Model</dt><dd>Mill-1B</dd>"));
}

}  // namespace
}  // namespace nibble::report
