#include "rag/index/build.h"

#include <gmock/gmock.h>

#include "base/cancel.h"
#include "base/error.h"
#include "rag/chunk/token_counter.h"
#include "unit/rag/tiny_encoder.h"

namespace nibble::rag {
namespace {

using nibble::testing::TempFolder;
using nibble::testing::write_file;

/// Stops the run at the n-th step, as a kill would.
class StopAt final : public ProgressSink {
 public:
  explicit StopAt(std::uint64_t n) : left_(n) {}
  void begin(std::string_view, std::uint64_t) override {}
  void advance(std::uint64_t steps) override {
    left_ -= std::min(left_, steps);
    if (left_ == 0) {
      raise(ErrorCode::kCancelled, "stopped");
    }
  }
  void end() override {}
  void note(std::string_view) override {}

 private:
  std::uint64_t left_;
};

class BuildTest : public ::testing::Test {
 protected:
  BuildTest() : encoder_(Encoder::open(model_.path(), {}, pool_, silent_progress()).take()) {
    std::filesystem::create_directory(folder_ / "docs");
  }

  IndexFile open() {
    return IndexFile::open_or_create(folder_ / "i.rag",
                                     {.passages = "tokens:6:2",
                                      .encoder = model_.path().string(),
                                      .codec = "",
                                      .arithmetic = "f32",
                                      .encoder_hash = encoder_->hash(),
                                      .dims = encoder_->dims()});
  }
  BuildReport build(ProgressSink& progress = silent_progress()) {
    IndexFile index = open();
    TokenCounter counter(encoder_->tokenizer());
    return build_index(index, folder_ / "docs", counter, encoder_.get(), progress);
  }
  void write(const std::string& name, std::string_view text) {
    write_file(folder_.path() / "docs" / name, text);
  }

  TempFolder folder_;
  testing::TinyEncoder model_;
  ThreadPool pool_{2};
  std::unique_ptr<Encoder> encoder_;
};

TEST_F(BuildTest, OnlyWhatChangedIsDoneAgain) {
  write("a.txt", "cat dog a b c d e f");  // two passages
  write("b.txt", "dog");
  write("empty.txt", " ");
  const BuildReport first = build();
  EXPECT_EQ(first.n_new, 3U);
  EXPECT_EQ(first.n_embedded, 3U);
  EXPECT_EQ(first.n_empty, 1U);
  const BuildReport second = build();
  EXPECT_EQ(second.n_same, 3U);
  EXPECT_EQ(second.n_embedded, 0U);
  write("b.txt", "cat");
  std::filesystem::remove(folder_ / "docs/a.txt");
  write("c.txt", "a");
  const BuildReport third = build();
  EXPECT_EQ(third.n_changed, 1U);
  EXPECT_EQ(third.n_new, 1U);
  EXPECT_EQ(third.n_dropped, 1U);
  EXPECT_EQ(third.n_embedded, 2U);
  EXPECT_EQ(open().counts().n_passages, 2U);
}

TEST_F(BuildTest, VectorsAreThoseOfTitleAndText) {
  write("a.md", "# cat\n");
  build();
  const std::vector<std::string> texts = {"cat cat"};
  const auto wanted = encoder_->embed(texts, TextKind::kPassage);
  open().for_each([&](Passage&&, std::span<const float> vector) {
    EXPECT_TRUE(std::ranges::equal(vector, wanted));
  });
}

TEST_F(BuildTest, DocumentsNeedNotBeFiles) {
  IndexFile index = IndexFile::open_or_create(folder_ / "w.rag", {.passages = "whole"});
  const auto one = [](std::string_view) { return std::size_t{1}; };
  const auto feed = [](OnDocument on_document) {
    on_document({"0", "title", "x y z"});
    on_document({"1", "", ""});
  };
  const BuildReport report = build_index_of(index, feed, one, nullptr, silent_progress());
  EXPECT_EQ(report.n_new, 2U);
  EXPECT_EQ(report.n_empty, 1U);
  EXPECT_EQ(build_index_of(index, feed, one, nullptr, silent_progress()).n_same, 2U);
  EXPECT_EQ(index.counts().n_passages, 1U);
}

TEST_F(BuildTest, PassagesKeepToTheirSizeWithTheTitleInFront) {
  write("a.md", "# cat dog a\n\nb c d e f g h i j k l\n");
  build();
  TokenCounter counter(encoder_->tokenizer());
  std::size_t n_passages = 0;
  open().for_each([&](Passage&& passage, std::span<const float>) {
    EXPECT_TRUE(passage.indexed_text().starts_with("cat dog a ")) << passage.indexed_text();
    EXPECT_LE(size_in_budget(passage.indexed_text(), ChunkUnit::kTokens, counter), 6U);
    ++n_passages;
  });
  EXPECT_GT(n_passages, 2U);
}

TEST_F(BuildTest, AStoppedRunLosesNothingThatWasDone) {
  for (int i = 0; i < 700; ++i) {  // more than one transaction
    write(fmt::format("{:03}.txt", i), fmt::format("cat {}", static_cast<char>('a' + i % 26)));
  }
  StopAt in_reading(600);
  EXPECT_THROW(build(in_reading), Error);
  EXPECT_EQ(open().counts().n_documents, 512U);
  StopAt in_embedding(700 + 650);
  EXPECT_THROW(build(in_embedding), Error);
  EXPECT_EQ(open().counts().n_documents, 700U);
  EXPECT_EQ(open().counts().n_without_vector, 700U - 512U);
  const BuildReport last = build();
  EXPECT_EQ(last.n_same, 700U);
  EXPECT_EQ(last.n_embedded, 188U);
  EXPECT_EQ(open().counts().n_without_vector, 0U);
}

TEST_F(BuildTest, ASourceThatFailsLeavesTheIndexAsItWas) {
  write("a.txt", "cat");
  build();
  std::filesystem::remove(folder_ / "docs/a.txt");
  EXPECT_THROW(build(), Error);
  EXPECT_EQ(open().counts().n_documents, 1U);
}

}  // namespace
}  // namespace nibble::rag
