#include "eval/request_encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "unit/eval/fake_tokenizer.h"

namespace nibble::eval {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr auto kBos = FakeTokenizer::kBos;
constexpr auto kEos = FakeTokenizer::kEos;
constexpr auto kPair = FakeTokenizer::kPair;

class RequestEncoderTest : public ::testing::Test {
 protected:
  FakeTokenizer tokenizer_;
  RequestEncoder encoder_{tokenizer_, 8, false};
};

TEST_F(RequestEncoderTest, ScoresTheContinuationBehindItsContext) {
  const ScoredInput input = encoder_.encode(LoglikelihoodRequest{"xy", "zw"});
  EXPECT_EQ(input.tokens, ids_of("xyz"));
  EXPECT_EQ(input.targets, ids_of("zw"));
  EXPECT_EQ(input.first_row, 1U);
  EXPECT_EQ(input.n_cut_tokens, 0U);
}

TEST_F(RequestEncoderTest, TrailingWhiteSpaceMovesToTheContinuation) {
  const ScoredInput input = encoder_.encode(LoglikelihoodRequest{"x \n", "y"});
  EXPECT_EQ(input.tokens, ids_of("x \n"));
  EXPECT_EQ(input.targets, ids_of(" \ny"));
  EXPECT_EQ(input.first_row, 0U);
}

TEST_F(RequestEncoderTest, BoundaryIsByCountEvenWhereTokensMerge) {
  // "xa" has two tokens, "xabc" three: x, ab, c. Behind two tokens of context there is only c, read
  // behind x, a.
  const ScoredInput input = encoder_.encode(LoglikelihoodRequest{"xa", "bc"});
  EXPECT_EQ(input.tokens, ids_of("xa"));
  EXPECT_EQ(input.targets, ids_of("c"));
}

TEST_F(RequestEncoderTest, AMergeCanSwallowTheWholeContinuation) {
  const ScoredInput input = encoder_.encode(LoglikelihoodRequest{"xa", "b"});
  EXPECT_THAT(input.targets, IsEmpty());
}

TEST_F(RequestEncoderTest, EmptyContextBecomesThePrefixToken) {
  const ScoredInput input = encoder_.encode(LoglikelihoodRequest{"", "xy"});
  EXPECT_THAT(input.tokens, ElementsAre(kBos, 'x'));
  EXPECT_EQ(input.targets, ids_of("xy"));
}

TEST_F(RequestEncoderTest, ContextOfBlanksIsEmptyToo) {
  const ScoredInput input = encoder_.encode(LoglikelihoodRequest{"  ", "x"});
  EXPECT_THAT(input.tokens, ElementsAre(kBos, ' ', ' '));
  EXPECT_EQ(input.targets, ids_of("  x"));
}

TEST_F(RequestEncoderTest, ContinuationThatBringsThePrefixUsesItAsContext) {
  const ScoredInput input = encoder_.encode(LoglikelihoodRequest{"", "<s>xy"});
  EXPECT_THAT(input.tokens, ElementsAre(kBos, 'x'));
  EXPECT_EQ(input.targets, ids_of("xy"));
}

TEST_F(RequestEncoderTest, EosIsThePrefixWithoutBos) {
  tokenizer_.mutable_special().bos.reset();
  EXPECT_THAT(encoder_.encode(LoglikelihoodRequest{"", "x"}).tokens, ElementsAre(kEos));
  tokenizer_.mutable_special().eos.reset();
  EXPECT_THROW(encoder_.encode(LoglikelihoodRequest{"", "x"}), Error);
}

TEST_F(RequestEncoderTest, CutsFromTheLeftAndCounts) {
  const ScoredInput input = encoder_.encode(LoglikelihoodRequest{"0123456789", "xyz"});
  EXPECT_EQ(input.tokens, ids_of("456789xy"));  // 8 of the 12 tokens in front of the last
  EXPECT_EQ(input.first_row, 5U);
  EXPECT_EQ(input.n_cut_tokens, 4U);
}

TEST_F(RequestEncoderTest, TheWholeContextMayBeCut) {
  const ScoredInput input = encoder_.encode(LoglikelihoodRequest{"0123", "stuvwxyz"});
  EXPECT_EQ(input.tokens, ids_of("3stuvwxy"));
  EXPECT_EQ(input.first_row, 0U);
}

TEST_F(RequestEncoderTest, RefusesAContinuationLongerThanTheContext) {
  try {
    encoder_.encode(LoglikelihoodRequest{"x", "123456789"});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_STREQ(error.what(), "a continuation of 9 tokens, wanted at most the context of 8");
  }
}

TEST_F(RequestEncoderTest, AddsBosOnce) {
  RequestEncoder encoder(tokenizer_, 8, true);
  EXPECT_THAT(encoder.encode(LoglikelihoodRequest{"x", "y"}).tokens, ElementsAre(kBos, 'x'));
  EXPECT_THAT(encoder.encode(LoglikelihoodRequest{"<s>x", "y"}).tokens, ElementsAre(kBos, 'x'));
  EXPECT_THAT(encoder.encode(GenerationRequest{"x", 1, {}}), ElementsAre(kBos, 'x'));
}

TEST_F(RequestEncoderTest, RollingWindowsOfTheReference) {
  // Ten tokens, M = 4: ([P] -> 0 1 2 3), ([3] -> 4 5 6 7), ([5 6 7] -> 8 9).
  const auto windows = encoder_.encode(RollingRequest{"0123456789", 4});
  ASSERT_EQ(windows.size(), 3U);
  EXPECT_THAT(windows[0].tokens, ElementsAre(kBos, '0', '1', '2'));
  EXPECT_EQ(windows[0].targets, ids_of("0123"));
  EXPECT_EQ(windows[0].first_row, 0U);
  EXPECT_EQ(windows[1].tokens, ids_of("3456"));
  EXPECT_EQ(windows[1].targets, ids_of("4567"));
  EXPECT_EQ(windows[1].first_row, 0U);
  EXPECT_EQ(windows[2].tokens, ids_of("5678"));
  EXPECT_EQ(windows[2].targets, ids_of("89"));
  EXPECT_EQ(windows[2].first_row, 2U);
}

TEST_F(RequestEncoderTest, RollingWindowIsAtMostTheContext) {
  EXPECT_EQ(encoder_.encode(RollingRequest{"0123456789"}).size(), 2U);
  EXPECT_EQ(encoder_.encode(RollingRequest{"0123456789", 100}).size(), 2U);
  EXPECT_THAT(encoder_.encode(RollingRequest{""}), IsEmpty());
}

TEST_F(RequestEncoderTest, WindowScoresFromTheGivenToken) {
  const ScoredInput input = encoder_.encode(WindowRequest{ids_of("vwxyz"), 3});
  EXPECT_EQ(input.tokens, ids_of("vwxy"));
  EXPECT_EQ(input.targets, ids_of("yz"));
  EXPECT_EQ(input.first_row, 2U);
}

TEST_F(RequestEncoderTest, WindowMustFitAndScoreSomething) {
  EXPECT_THROW((void)encoder_.encode(WindowRequest{ids_of("123456789"), 1}), Error);
  EXPECT_THROW((void)encoder_.encode(WindowRequest{ids_of("12"), 0}), Error);
  EXPECT_THROW((void)encoder_.encode(WindowRequest{ids_of("12"), 2}), Error);
  EXPECT_THROW((void)encoder_.encode(WindowRequest{{}, 1}), Error);
}

TEST_F(RequestEncoderTest, AnEmptyPromptIsThePrefixToken) {
  EXPECT_THAT(encoder_.encode(GenerationRequest{"", 1, {}}), ElementsAre(kBos));
}

TEST_F(RequestEncoderTest, PairsAreOneToken) {
  EXPECT_THAT(encoder_.encode(GenerationRequest{"xab", 1, {}}), ElementsAre('x', kPair));
}

}  // namespace
}  // namespace nibble::eval
