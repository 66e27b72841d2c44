#include "quant/solve_weight.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "quant/recipe.h"

namespace nibble::quant {
namespace {

using ::testing::HasSubstr;

TEST(SolveWeight, MeasuresTheErrorOfTheStoredMatrix) {
  const auto recipe = load_recipe("method=nearest,codec=int2ca").take();
  PlanRow row;
  row.weight = "w";
  row.target_codec = "int2ca";
  row.stage = &recipe.stages.front();
  row.codec = row.stage->scheme.default_codec;
  const std::vector<float> w = {0.0F, 1.0F, 2.25F, 3.0F};
  ThreadPool pool(1);
  const auto solved = solve_weight(row, {.weight = {w.data(), 1, 4}}, pool);
  EXPECT_DOUBLE_EQ(solved.report.error_square, 0.0625);
  EXPECT_DOUBLE_EQ(solved.report.relative_error(), 0.25 / std::sqrt(15.0625));
  EXPECT_EQ(solved.report.codec, "int2ca");
}

TEST(WeightReport, ReadsBackAsItself) {
  const WeightReport report{"w", "int4g128a", 1.0 / 3, 2.0 / 7, 0.5, {{"dead_inputs", 3}}};
  const auto again = weight_report_from_json(weight_report_json(report), "here");
  EXPECT_EQ(again.error_square, report.error_square);
  EXPECT_EQ(again.weight_square, report.weight_square);
  ASSERT_EQ(again.facts.size(), 1U);
  EXPECT_EQ(again.facts[0].name, "dead_inputs");
  try {
    weight_report_from_json(Json::object(), "block-0001");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("block-0001: not the report of a weight"));
  }
}

}  // namespace
}  // namespace nibble::quant
