#include "report/page/plot_data.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "report/page/budget.h"
#include "support/files.h"
#include "unit/report/answers/answer_store.h"
#include "unit/report/small_store.h"

namespace nibble::report {
namespace {

using nibble::testing::TempFolder;
using ::testing::HasSubstr;

/// Places in a result.
enum ResultPlace {
  kResultValue,
  kResultLow,
  kResultHigh,
  kResultDifference,
  kResultSignificant = 7
};

Json json_of(const Data& data) {
  return parse_json(plot_data_json(data), "data").take();
}

class PlotDataTest : public ::testing::Test {
 protected:
  TempFolder folder_;
  Data data_ = gather(small_store(folder_ / "s.db"));
};

TEST_F(PlotDataTest, HasNullForWhatIsMissing) {
  const Json json = json_of(data_);
  ASSERT_EQ(json["variants"].size(), 4U);
  EXPECT_EQ(json["variants"][1]["size_mb"], 50.0);
  EXPECT_EQ(json["variants"][1]["results"][0][kResultSignificant], 1);
  EXPECT_TRUE(json["variants"][2]["results"][1].is_null());
  EXPECT_TRUE(json["variants"][3]["size_mb"].is_null());
  EXPECT_TRUE(json["variants"][0]["results"][0][kResultLow].is_null());
  EXPECT_EQ(json["variants"][0]["results"][0].size(), 3U) << "the reference has no difference";
  EXPECT_EQ(json["tasks"][1]["difference_unit"], "points");
}

TEST_F(PlotDataTest, WhatNoAxisHoldsIsMissing) {
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  auto& row = *data_.variants[1].outcomes[0].metrics[0].value;
  const auto result = [&] { return json_of(data_)["variants"][1]["results"][0]; };
  row.value = kInfinite;
  EXPECT_TRUE(result().is_null());
  row.value = 24.5;
  row.high = kInfinite;
  EXPECT_TRUE(result().is_null());
  row.high = 26;
  row.comparison->high = kInfinite;
  EXPECT_EQ(result()[kResultValue], 24.5);
  EXPECT_EQ(result().size(), std::size_t{kResultDifference});
}

TEST_F(PlotDataTest, TasksOverDocumentsAreMarked) {
  const Json json = json_of(gather(answer_store(folder_ / "a.db")));
  EXPECT_EQ(json["tasks"][0]["over_documents"], true);
  EXPECT_EQ(json["answers"].size(), 1U);
}

TEST_F(PlotDataTest, VeryManyVariantsAreCutAndThePageSaysSo) {
  EXPECT_EQ(plotted_variants(data_), 4U);
  EXPECT_EQ(left_out_html(data_), "");
  const Variant last = data_.variants.back();
  data_.variants.resize(kPlottedVariants + 5, last);
  EXPECT_EQ(plotted_variants(data_), kPlottedVariants);
  EXPECT_THAT(left_out_html(data_), HasSubstr("have the first 2000 of 2005 variants"));
  const Json json = json_of(data_);
  EXPECT_EQ(json["variants"].size(), kPlottedVariants);
  EXPECT_EQ(json["advice"]["variants"].size(), kPlottedVariants);
}

TEST_F(PlotDataTest, ManyTasksLeaveRoomForFewerVariants) {
  data_.tasks.resize(100, data_.tasks[0]);
  data_.variants.resize(500, data_.variants.back());
  EXPECT_EQ(plotted_variants(data_), kPlottedScores / 100);
}

}  // namespace
}  // namespace nibble::report
