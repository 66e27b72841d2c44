#include "profile/measure.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/error.h"
#include "support/files.h"

namespace nibble::profile {
namespace {

TEST(FixedPrompt, IsTheSameEverywhereAndInsideTheVocabulary) {
  const auto prompt = fixed_prompt(1000, 97);
  EXPECT_EQ(prompt, fixed_prompt(1000, 97));
  EXPECT_TRUE(std::ranges::all_of(prompt, [](text::TokenId id) { return id >= 0 && id < 97; }));
  EXPECT_GT(std::ranges::count(prompt, prompt.front()), 0);
  EXPECT_LT(std::ranges::count(prompt, prompt.front()), 40);  // spread, not constant
}

class MeasureSpeedTest : public ::testing::Test {
 protected:
  void SetUp() override {
    NIBBLE_NEEDS_FILE(path, nibble::testing::demo_model());
    loaded_ =
        model::load_model(path, {Arithmetic::kNative, false}, pool_, silent_progress()).take();
  }
  ThreadPool pool_{1};
  model::LoadedModel loaded_;
};

TEST_F(MeasureSpeedTest, EachRepetitionGivesOneValue) {
  const auto out = measure_speed(loaded_, {8, 3, 2, 1});
  ASSERT_EQ(out.size(), 3U);
  EXPECT_EQ(out[0].name, "first_token");
  EXPECT_EQ(out[2].unit, "ms/token");
  for (const Measurement& row : out) {
    ASSERT_EQ(row.values.size(), 2U) << row.name;
    EXPECT_GT(row.values[0], 0) << row.name;
  }
  EXPECT_NEAR(out[1].values[1], 8000 / out[0].values[1], 1e-9);
}

TEST_F(MeasureSpeedTest, WorkThatDoesNotFitIsRefused) {
  for (const Options& options :
       {Options{1 << 20, 8, 1, 0}, Options{0, 8, 1, 0}, Options{8, 0, 1, 0}}) {
    try {
      measure_speed(loaded_, options);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    }
  }
}

}  // namespace
}  // namespace nibble::profile
