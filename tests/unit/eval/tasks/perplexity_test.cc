#include "eval/tasks/perplexity.h"

#include <gtest/gtest.h>

#include "support/files.h"
#include "unit/eval/fake_tokenizer.h"

namespace nibble::eval {
namespace {

using nibble::testing::TempFolder;
using nibble::testing::write_file;

class WikitextTasks : public ::testing::Test {
 protected:
  WikitextTasks() {
    std::filesystem::create_directory(folder_ / "wikitext2");
    write_file(folder_ / "wikitext2/wiki.test.raw",
               " \n = A = \n a b , c \n = B = \n " + std::string(kLongLine, 'd') + " \n");
    options_.data = folder_.path();
    options_.tokenizer = &tokenizer_;
  }
  static constexpr std::size_t kLongLine = 5000;
  TempFolder folder_;
  FakeTokenizer tokenizer_;
  TaskOptions options_;
};

TEST_F(WikitextTasks, WindowsAreCutFromTheJoinedText) {
  const auto task = make_task("wikitext_disjoint2048", options_).take();
  const auto request = std::get<WindowRequest>(task->sample(0).requests.at(0));
  ASSERT_EQ(request.tokens.size(), 2048U);
  EXPECT_EQ(std::vector(request.tokens.begin(), request.tokens.begin() + 8), ids_of("\n\n = A ="));
  EXPECT_EQ(task->n_samples(), 2U);
  EXPECT_EQ(task->info().protocol, "disjoint windows of 2048 tokens, 2047 scored");
}

TEST_F(WikitextTasks, WindowsAreNeverLongerThanTheModelsContext) {
  options_.model_context = 1024;
  const auto stride = make_task("wikitext_stride512", options_).take();
  EXPECT_EQ(stride->info().protocol, "windows of 1024 tokens, stride 512");
  EXPECT_EQ(std::get<WindowRequest>(stride->sample(0).requests.at(0)).tokens.size(), 1024U);
  EXPECT_EQ(
      std::get<RollingRequest>(make_task("wikitext", options_).take()->sample(0).requests.at(0))
          .max_window,
      1024U);
  options_.model_context = 1U << 20;
  EXPECT_EQ(make_task("wikitext_stride512", options_).take()->info().protocol,
            "windows of 2048 tokens, stride 512");
}

TEST_F(WikitextTasks, AProtocolThatTheContextCannotKeepIsRefused) {
  options_.model_context = 512;
  const auto disjoint = make_task("wikitext_disjoint2048", options_);
  EXPECT_EQ(disjoint.failure().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(
      disjoint.failure().message,
      "task wikitext_disjoint2048: wanted windows of at least 2048 tokens; the window setting "
      "and the model's context allow 512");
  options_.model_context = 513;
  EXPECT_TRUE(make_task("wikitext_stride512", options_));
  options_.max_context = 512;
  const auto stride = make_task("wikitext_stride512", options_);
  EXPECT_EQ(stride.failure().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(
      stride.failure().message,
      "task wikitext_stride512: wanted windows of at least 513 tokens; the window setting and "
      "the model's context allow 512");
}

TEST_F(WikitextTasks, DisjointWindowsHaveTheLengthOfTheirName) {
  options_.max_context = 4096;
  const auto task = make_task("wikitext_disjoint2048", options_).take();
  EXPECT_EQ(std::get<WindowRequest>(task->sample(0).requests.at(0)).tokens.size(), 2048U);
}

TEST_F(WikitextTasks, BosStandsAtTheVeryStartOnly) {
  tokenizer_.mutable_special().add_bos = true;
  const auto task = make_task("wikitext_disjoint2048", options_).take();
  EXPECT_EQ(std::get<WindowRequest>(task->sample(0).requests.at(0)).tokens.front(),
            FakeTokenizer::kBos);
  EXPECT_NE(std::get<WindowRequest>(task->sample(1).requests.at(0)).tokens.front(),
            FakeTokenizer::kBos);
}

TEST_F(WikitextTasks, LimitCountsWindowsAndPages) {
  options_.limit = 1;
  EXPECT_EQ(make_task("wikitext_stride512", options_).take()->n_samples(), 1U);
  EXPECT_EQ(make_task("wikitext", options_).take()->n_samples(), 1U);
}

TEST_F(WikitextTasks, PagesAreDetokenizedAndCountedBefore) {
  const auto task = make_task("wikitext", options_).take();
  ASSERT_EQ(task->n_samples(), 2U);
  const Sample sample = task->sample(0);
  const auto& request = std::get<RollingRequest>(sample.requests.at(0));
  EXPECT_EQ(request.text, " = A =\na b, c ");
  EXPECT_EQ(request.max_window, 2048U);
  const std::vector<Response> response = {LoglikelihoodResponse{.logprob = -1, .n_tokens = 1}};
  const SampleScores scores = task->score(sample, response).scores;
  EXPECT_EQ(scores.at("word_perplexity")->weight,
            9.0);  // of " = A = \n a b , c ", empty ends counted
  EXPECT_EQ(scores.at("byte_perplexity")->weight, 17.0);
}

TEST_F(WikitextTasks, NeedATokenizerAndAWholeWindow) {
  write_file(folder_ / "wikitext2/wiki.test.raw", " \n = A = \n a b , c \n = B = \n d \n");
  const auto short_text = make_task("wikitext_disjoint2048", options_);
  EXPECT_EQ(short_text.failure().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(short_text.failure().message,
            "task wikitext_disjoint2048: " + (folder_ / "wikitext2/wiki.test.raw").string() +
                ": the text has 38 tokens, wanted a window of 2048");
  options_.tokenizer = nullptr;
  EXPECT_EQ(
      make_task("wikitext_stride512", options_).failure().message,
      "task wikitext_stride512: wikitext_stride512: needs a model, its windows are cut by tokens");
}

TEST(PlainDocument, CountsItsOwnText) {
  const Document document = plain_document("d", "two wörds");
  EXPECT_EQ(document.n_words, 2U);
  EXPECT_EQ(document.n_bytes, 10U);
}

}  // namespace
}  // namespace nibble::eval
