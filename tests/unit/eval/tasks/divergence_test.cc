#include "eval/tasks/divergence.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/error.h"
#include "unit/eval/fake_tokenizer.h"

namespace nibble::eval {
namespace {

class DivergenceTaskTest : public ::testing::Test {
 protected:
  std::unique_ptr<Task> make(const std::string& text, std::size_t context = 2048) {
    TaskRequest request{.name = "kl512:x.txt", .file = "x.txt", .options = {}};
    request.options.tokenizer = &tokenizer_;
    request.options.max_context = context;
    return make_divergence_task(request, text, "hash", "x.txt");
  }
  static const DivergenceRequest& request_of(const Sample& sample) {
    return std::get<DivergenceRequest>(sample.requests.front());
  }
  FakeTokenizer tokenizer_;
};

std::string letters(std::size_t n) {
  std::string text;
  for (std::size_t i = 0; i < n; ++i) {
    text.push_back(static_cast<char>('c' + i % 20));
  }
  return text;
}

TEST_F(DivergenceTaskTest, ComparesTheSecondHalfOfEachWindow) {
  const auto task = make(letters(1200));
  ASSERT_EQ(task->n_samples(), 2U);
  const Sample second = task->sample(1);
  EXPECT_EQ(second.id, "512-1024");
  EXPECT_EQ(request_of(second).tokens.size(), 511U);  // the last one predicts the next window
  EXPECT_EQ(request_of(second).first_row, 256U);
  EXPECT_EQ(request_of(second).tokens.front(), 'c' + 512 % 20);
}

TEST_F(DivergenceTaskTest, BosTakesThePlaceOfTheFirstTokenWhereTheTokenizerAddsIt) {
  tokenizer_.mutable_special().add_bos = true;
  const auto task = make(letters(1100));
  EXPECT_EQ(request_of(task->sample(0)).tokens.front(), FakeTokenizer::kBos);
  EXPECT_EQ(request_of(task->sample(0)).tokens[1], 'c');
  EXPECT_EQ(request_of(task->sample(1)).tokens.front(), FakeTokenizer::kBos);
  EXPECT_EQ(request_of(task->sample(1)).tokens[1], 'c' + 512 % 20);
}

TEST_F(DivergenceTaskTest, ScoresAreMeansOverPositions) {
  const auto task = make(letters(600));
  const Sample sample = task->sample(0);
  const std::vector<Response> responses = {
      DivergenceResponse{.kl = 25.5, .n_rows = 255, .n_same_top = 204}};
  const SampleResult result = task->score(sample, responses);
  EXPECT_DOUBLE_EQ(result.scores.at("kl")->sum / result.scores.at("kl")->weight, 0.1);
  const auto& top = *result.scores.at("top1_agreement");
  EXPECT_DOUBLE_EQ(top.sum / top.weight, 0.8);
}

TEST_F(DivergenceTaskTest, NoNumberIsUnanswered) {
  const auto task = make(letters(600));
  const std::vector<Response> responses = {
      DivergenceResponse{.kl = std::numeric_limits<double>::quiet_NaN(), .n_rows = 255}};
  const SampleResult result = task->score(task->sample(0), responses);
  EXPECT_FALSE(result.scores.at("kl"));
  EXPECT_FALSE(result.scores.at("top1_agreement"));
}

TEST_F(DivergenceTaskTest, RefusesAShortTextAndASmallContext) {
  EXPECT_THROW(make(letters(500)), Error);
  EXPECT_THROW(make(letters(600), 500), Error);
}

}  // namespace
}  // namespace nibble::eval
