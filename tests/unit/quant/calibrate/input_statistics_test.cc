#include "quant/calibrate/input_statistics.h"

#include <gmock/gmock.h>

#include <limits>

namespace nibble::quant {
namespace {

using ::testing::ElementsAre;

const std::vector<float> kFirst = {1, 2, 3, 4};  // two tokens of two inputs
const std::vector<float> kSecond = {5, 0};

InputStatistics collect(const Needs& needs) {
  ThreadPool pool(2);
  InputStatistics out(needs, 2);
  out.add({kFirst.data(), 2, 2}, pool);
  out.add({kSecond.data(), 1, 2}, pool);
  out.finish();
  return out;
}

TEST(InputStatistics, MeanSquareIsOverAllTokens) {
  const auto statistics = collect({.mean_square = true});
  const SolveInput input = statistics.solve_input({});
  EXPECT_THAT(input.mean_square, ElementsAre(35.0F / 3.0F, 20.0F / 3.0F));
  EXPECT_EQ(input.second_moment.cols, 0U);
}

TEST(InputStatistics, MeanKeepsTheSigns) {
  ThreadPool pool(1);
  const std::vector<float> x = {-4, 1};
  InputStatistics statistics({.mean = true}, 2);
  statistics.add({kFirst.data(), 2, 2}, pool);
  statistics.add({x.data(), 1, 2}, pool);
  statistics.finish();
  EXPECT_THAT(statistics.mean(), ElementsAre(0.0, 7.0 / 3.0));
  EXPECT_TRUE(collect({.mean_square = true}).mean().empty());
}

TEST(InputStatistics, SecondMomentHasBothTriangles) {
  const auto statistics = collect({.second_moment = true});
  const SolveInput input = statistics.solve_input({});
  EXPECT_EQ(input.second_moment(0, 0), 35.0);
  EXPECT_EQ(input.second_moment(0, 1), 14.0);
  EXPECT_EQ(input.second_moment(1, 0), 14.0);
  EXPECT_TRUE(input.mean_square.empty());
}

TEST(InputStatistics, CrossMomentIsWhatTheOriginalInputsHaveMore) {
  const std::vector<float> originals = {2, 2, 3, 5, 5, 0};
  ThreadPool pool(2);
  InputStatistics statistics({.second_moment = true, .cross_moment = true}, 2);
  statistics.add({kFirst.data(), 2, 2}, pool);
  statistics.add_original({originals.data(), 2, 2}, {kFirst.data(), 2, 2}, pool);
  statistics.add({kSecond.data(), 1, 2}, pool);
  statistics.add_original({originals.data() + 4, 1, 2}, {kSecond.data(), 1, 2}, pool);
  statistics.finish();
  // One more in input 0 of token (1, 2), one more in input 1 of token (3, 4).
  const auto cross = statistics.solve_input({}).cross_moment;
  ASSERT_EQ(cross.cols, 2U);
  EXPECT_EQ(cross(0, 0), 1.0);
  EXPECT_EQ(cross(0, 1), 2.0);
  EXPECT_EQ(cross(1, 0), 3.0);
  EXPECT_EQ(cross(1, 1), 4.0);
  EXPECT_EQ(collect({.second_moment = true}).solve_input({}).cross_moment.cols, 0U);
}

TEST(InputStatistics, CollectsNothingThatNobodyWants) {
  const auto statistics = collect({});
  EXPECT_EQ(statistics.solve_input({}).second_moment.cols, 0U);
  EXPECT_NO_THROW(statistics.require_finite("w"));
}

TEST(InputStatistics, NamesTheInputThatOverflowed) {
  ThreadPool pool(1);
  const std::vector<float> x = {1.0F, std::numeric_limits<float>::infinity()};
  for (const Needs& needs : {Needs{.second_moment = true}, Needs{.mean_square = true}}) {
    InputStatistics statistics(needs, 2);
    statistics.add({x.data(), 1, 2}, pool);
    statistics.finish();
    try {
      statistics.require_finite("layer.weight");
      ADD_FAILURE() << "expected an error";
    } catch (const Error& error) {
      EXPECT_THAT(error.what(), ::testing::HasSubstr("layer.weight: input 1 is not finite"));
    }
  }
}

}  // namespace
}  // namespace nibble::quant
