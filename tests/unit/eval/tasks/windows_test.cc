#include "eval/tasks/windows.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace nibble::eval {
namespace {

using Triple = std::tuple<std::size_t, std::size_t, std::size_t>;

std::vector<Triple> triples(const std::vector<TokenWindow>& windows) {
  std::vector<Triple> out;
  for (const TokenWindow& window : windows) {
    out.emplace_back(window.begin, window.end, window.first_scored);
  }
  return out;
}

TEST(StrideWindows, ScoreEachTokenOnceButTheFirst) {
  EXPECT_EQ(triples(stride_windows(12, 8, 2)),
            (std::vector<Triple>{{0, 8, 1}, {2, 10, 8}, {4, 12, 10}}));
  EXPECT_EQ(triples(stride_windows(11, 8, 2)),
            (std::vector<Triple>{{0, 8, 1}, {2, 10, 8}, {4, 11, 10}}));
}

TEST(StrideWindows, TogetherScoreEveryTokenButTheFirst) {
  for (const std::size_t stride : {1U, 3U, 7U}) {
    for (std::size_t n = 2; n < 40; ++n) {
      std::size_t next = 1;
      for (const TokenWindow& window : stride_windows(n, 8, stride)) {
        EXPECT_EQ(window.first_scored, next) << n << " tokens, stride " << stride;
        EXPECT_LT(window.begin, window.first_scored);
        EXPECT_LE(window.end - window.begin, 8U);
        next = window.end;
      }
      EXPECT_EQ(next, n) << n << " tokens, stride " << stride;
    }
  }
}

TEST(StrideWindows, AStrideAsLongAsTheWindowIsRefused) {
  EXPECT_THROW(stride_windows(100, 8, 8), Error);
  EXPECT_THROW(stride_windows(100, 8, 0), Error);
}

TEST(StrideWindows, ShortTexts) {
  EXPECT_EQ(triples(stride_windows(5, 8, 2)), (std::vector<Triple>{{0, 5, 1}}));
  EXPECT_TRUE(stride_windows(1, 8, 2).empty());
  EXPECT_TRUE(stride_windows(0, 8, 2).empty());
}

TEST(DisjointWindows, DropTheTail) {
  EXPECT_EQ(triples(disjoint_windows(11, 4)), (std::vector<Triple>{{0, 4, 1}, {4, 8, 5}}));
  EXPECT_TRUE(disjoint_windows(3, 4).empty());
}

WindowTask task(WindowProtocol protocol, std::vector<TokenWindow> windows) {
  return {TaskInfo{.name = "t"}, protocol, {10, 11, 12, 13, 14, 15}, std::move(windows)};
}

TEST(WindowTask, SendsTheWindowsTokens) {
  const WindowTask stride = task(WindowProtocol::kStride, stride_windows(6, 4, 2));
  const Sample sample = stride.sample(1);
  const auto& request = std::get<WindowRequest>(sample.requests.at(0));
  EXPECT_EQ(request.tokens, (std::vector<std::int32_t>{12, 13, 14, 15}));
  EXPECT_EQ(request.first_scored, 2U);
  EXPECT_EQ(sample.id, "2-6");
}

TEST(WindowTask, WeightsOfTheStrideProtocol) {
  const WindowTask stride = task(WindowProtocol::kStride, stride_windows(6, 4, 2));
  const std::vector<Response> first = {LoglikelihoodResponse{.logprob = -6, .n_tokens = 3}};
  const SampleScores a = stride.score(stride.sample(0), first).scores;
  EXPECT_EQ(a.at("perplexity")->sum, 6.0);
  EXPECT_EQ(a.at("perplexity")->weight, 3.0);
  EXPECT_EQ(a.at("perplexity_hf_weights")->sum, 6.0);  // four labels less one: as many as scored
  EXPECT_EQ(a.at("perplexity_hf_weights")->weight, 3.0);
  const std::vector<Response> second = {LoglikelihoodResponse{.logprob = -6, .n_tokens = 2}};
  const SampleScores b = stride.score(stride.sample(1), second).scores;
  EXPECT_EQ(b.at("perplexity")->weight, 2.0);
  EXPECT_EQ(b.at("perplexity_hf_weights")->sum, 3.0);
  EXPECT_EQ(b.at("perplexity_hf_weights")->weight, 1.0);
}

TEST(WindowTask, DisjointAveragesWindowMeans) {
  const WindowTask disjoint = task(WindowProtocol::kDisjoint, disjoint_windows(6, 3));
  const std::vector<Response> response = {LoglikelihoodResponse{.logprob = -6, .n_tokens = 2}};
  const SampleScores scores = disjoint.score(disjoint.sample(0), response).scores;
  EXPECT_EQ(scores.at("perplexity")->sum, 3.0);
  EXPECT_EQ(scores.at("perplexity")->weight, 1.0);
  EXPECT_EQ(scores.size(), 1U);
}

TEST(WindowTask, NotANumberIsUnanswered) {
  const WindowTask stride = task(WindowProtocol::kStride, stride_windows(6, 4, 2));
  for (const double bad : {std::nan(""), -std::numeric_limits<double>::infinity()}) {
    const std::vector<Response> response = {LoglikelihoodResponse{.logprob = bad, .n_tokens = 3}};
    EXPECT_FALSE(stride.score(stride.sample(0), response).scores.at("perplexity").has_value());
  }
}

}  // namespace
}  // namespace nibble::eval
