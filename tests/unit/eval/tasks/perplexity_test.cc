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
    write_file(folder_ / "wikitext2/wiki.test.raw", " \n = A = \n a b , c \n = B = \n d \n");
    options_.data = folder_.path();
    options_.max_context = 8;
    options_.tokenizer = &tokenizer_;
  }
  TempFolder folder_;
  FakeTokenizer tokenizer_;
  TaskOptions options_;
};

TEST_F(WikitextTasks, WindowsAreCutFromTheJoinedText) {
  const auto task = make_task("wikitext_disjoint2048", options_).take();
  const auto request = std::get<WindowRequest>(task->sample(0).requests.at(0));
  EXPECT_EQ(request.tokens, ids_of("\n\n = A ="));
  EXPECT_EQ(task->info().protocol, "disjoint windows of 8 tokens, 7 scored");
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
  EXPECT_EQ(request.max_window, 8U);
  const std::vector<Response> response = {LoglikelihoodResponse{.logprob = -1, .n_tokens = 1}};
  const SampleScores scores = task->score(sample, response).scores;
  EXPECT_EQ(scores.at("word_perplexity")->weight,
            9.0);  // of " = A = \n a b , c ", empty ends counted
  EXPECT_EQ(scores.at("byte_perplexity")->weight, 17.0);
}

TEST_F(WikitextTasks, NeedATokenizerAndAWholeWindow) {
  options_.max_context = 1000;
  const auto short_text = make_task("wikitext_disjoint2048", options_);
  EXPECT_EQ(short_text.failure().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(short_text.failure().message,
            "task wikitext_disjoint2048: " + (folder_ / "wikitext2/wiki.test.raw").string() +
                ": the text has 38 tokens, wanted a window of 1000");
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
