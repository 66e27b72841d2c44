#include "eval/guards.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace nibble::eval {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

const std::vector<Request> kChoices = {LoglikelihoodRequest{"q", " a"},
                                       LoglikelihoodRequest{"q", " b"}};

std::vector<Flag> flags_of(double a, double b) {
  return find_flags(kChoices,
                    std::vector<Response>{LoglikelihoodResponse{.logprob = a},
                                          LoglikelihoodResponse{.logprob = b}});
}

TEST(Guards, EqualOptionsAreFlaggedAndOthersAreNot) {
  EXPECT_THAT(flags_of(-1.5, -1.5), ElementsAre(Flag::kEqualOptions));
  EXPECT_THAT(flags_of(-1.5, -1.25), IsEmpty());
}

TEST(Guards, NoNumberIsFlaggedAndIsNoEqualOption) {
  EXPECT_THAT(flags_of(kNaN, kNaN), ElementsAre(Flag::kNotFinite));
  EXPECT_THAT(flags_of(-1, -std::numeric_limits<double>::infinity()),
              ElementsAre(Flag::kNotFinite));
  EXPECT_THAT(
      find_flags(std::vector<Request>{GenerationRequest{}},
                 std::vector<Response>{GenerationResponse{.text = "", .is_answered = false}}),
      ElementsAre(Flag::kNotFinite));
  EXPECT_THAT(find_flags(std::vector<Request>{DivergenceRequest{}},
                         std::vector<Response>{DivergenceResponse{.kl = kNaN}}),
              ElementsAre(Flag::kNotFinite));
}

TEST(Guards, OneRequestHasNoOptionsThatCouldBeEqual) {
  EXPECT_THAT(find_flags(std::vector<Request>{LoglikelihoodRequest{"q", " a"}},
                         std::vector<Response>{LoglikelihoodResponse{.logprob = -1}}),
              IsEmpty());
}

TEST(Guards, DoubleBosOfAnyRequestIsFlagged) {
  const std::vector<Response> responses = {
      LoglikelihoodResponse{.logprob = -1},
      LoglikelihoodResponse{.logprob = -2, .has_double_bos = true}};
  EXPECT_THAT(find_flags(kChoices, responses), ElementsAre(Flag::kDoubleBos));
  EXPECT_THAT(
      find_flags(std::vector<Request>{GenerationRequest{}},
                 std::vector<Response>{GenerationResponse{.text = "", .has_double_bos = true}}),
      ElementsAre(Flag::kDoubleBos));
}

TEST(Guards, RepeatedOutputIsFlagged) {
  std::string loop = "The answer is 4. ";
  for (int i = 0; i < 10; ++i) {
    loop += "I think so. ";
  }
  EXPECT_TRUE(is_repeated_output(loop));
  EXPECT_TRUE(is_repeated_output(std::string(40, '!')));
  EXPECT_THAT(find_flags(std::vector<Request>{GenerationRequest{}},
                         std::vector<Response>{GenerationResponse{.text = loop}}),
              ElementsAre(Flag::kRepeatedOutput));
}

TEST(Guards, OrdinaryAnswersAreNotRepeatedOutput) {
  EXPECT_FALSE(is_repeated_output(""));
  EXPECT_FALSE(is_repeated_output("no no no no"));         // short
  EXPECT_FALSE(is_repeated_output(std::string(31, '0')));  // shorter than the least tail
  EXPECT_FALSE(is_repeated_output("1000000 * 1000000 = 1000000000000, which is one trillion."));
  // Three repetitions of a sentence are one too few.
  EXPECT_FALSE(
      is_repeated_output("Water boils at 100 C. Water boils at 100 C. Water boils at 100 C. "));
  // A repeated end that is less than half of the answer.
  EXPECT_FALSE(is_repeated_output(
      "Each of the four rows has nine seats, and the hall holds thirty-six people in all: "
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"));
}

TEST(Guards, AtChanceNeedsAChanceAndAnIntervalThatReachesIt) {
  EXPECT_TRUE(is_at_chance(0.20, 0.25));
  EXPECT_TRUE(is_at_chance(0.25, 0.25));
  EXPECT_FALSE(is_at_chance(0.26, 0.25));
  EXPECT_FALSE(is_at_chance(0.1, std::nullopt));
  EXPECT_FALSE(is_at_chance(kNaN, 0.25));
}

TEST(Guards, NamesAreDistinctAndHaveNoComma) {
  EXPECT_EQ(flag_name(Flag::kEqualOptions), "equal options");
  EXPECT_EQ(flag_name(Flag::kNotFinite), "not finite");
}

}  // namespace
}  // namespace nibble::eval
