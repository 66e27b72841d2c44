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
  ASSERT_EQ(out.size(), 6U);
  EXPECT_EQ(out[0].name, "first_token");
  EXPECT_EQ(out[2].unit, "ms/token");
  for (std::size_t i = 0; i < 4; ++i) {
    ASSERT_EQ(out[i].values.size(), 2U) << out[i].name;
    EXPECT_GT(out[i].values[0], 0) << out[i].name;
  }
  EXPECT_NEAR(out[1].values[1], 8000 / out[0].values[1], 1e-9);
  EXPECT_EQ(out[4].name, "inter_token");
  ASSERT_EQ(out[4].values.size(), 6U);
  EXPECT_NEAR(out[2].values[0], (out[4].values[0] + out[4].values[1] + out[4].values[2]) / 3, 1e-9);
  EXPECT_NEAR(out[3].values[0], out[0].values[0] + 3 * out[2].values[0], 1e-9);
  EXPECT_EQ(out[5].name, "cold_first_token");
  EXPECT_EQ(out[5].values.size(), 1U);
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

TEST_F(MeasureSpeedTest, LengthsThatDoNotFitSayWhy) {
  Options options{8, 2, 1, 0};
  options.prompts = {4, 1 << 20};
  options.depths = {0, 5};
  const auto out = measure_lengths(loaded_, options);
  ASSERT_EQ(out.size(), 4U);
  EXPECT_EQ(out[0].name, "prefill_4");
  EXPECT_EQ(out[0].values.size(), 1U);
  EXPECT_TRUE(out[1].values.empty());
  EXPECT_NE(out[1].reason.find("1048576 tokens, the context holds"), std::string::npos);
  EXPECT_EQ(out[2].name, "decode_d0");
  EXPECT_EQ(out[3].values.size(), 1U);
}

TEST_F(MeasureSpeedTest, BatchesCountAllSequences) {
  Options options{4, 2, 1, 0};
  options.batches = {1, 3};
  options.batch_new_tokens = 2;
  const auto out = measure_batches(loaded_, options);
  ASSERT_EQ(out.size(), 4U);
  EXPECT_EQ(out[2].name, "batch_3");
  EXPECT_EQ(out[2].unit, "samples/s");
  EXPECT_EQ(out[3].name, "batch_3_decode");
  EXPECT_EQ(out[3].values.size(), 2U);
  // Two tokens for each sample are made in a part of its time.
  EXPECT_GT(out[3].values[0], 2 * out[2].values[0]);
}

}  // namespace
}  // namespace nibble::profile
