#include "rag/answer/ranker.h"

#include <gtest/gtest.h>

#include "rag/index/build.h"
#include "support/files.h"

namespace nibble::rag {
namespace {

TEST(SetRanker, RanksTitlesAndTexts) {
  QuestionSet set{.name = "s"};
  set.passages = {{"Dogs", "They run."}, {"Cats", "They sleep."}, {"", "Rain."}};
  const auto ranker = make_set_ranker(set);
  const auto best = ranker->best("Do cats sleep?", 5);
  ASSERT_EQ(best.size(), 1U);
  EXPECT_EQ(best[0].of_set, 1U);
  EXPECT_EQ(best[0].passage.title, "Cats");
  EXPECT_GT(best[0].score, 0);
  EXPECT_EQ(ranker->protocol(), "BM25 over the 3 passages of the set");
  EXPECT_TRUE(ranker->best("quark", 5).empty());
}

TEST(IndexRanker, GivesPassagesOfAnIndex) {
  const nibble::testing::TempFolder folder;
  std::filesystem::create_directory(folder / "docs");
  nibble::testing::write_file(folder / "docs/cats.md", "# Cats\n\nThe cat sleeps.\n");
  auto index = IndexFile::open_or_create(folder / "i.rag", {.passages = "words:50:0"});
  const auto one = [](std::string_view) { return std::size_t{1}; };
  build_index(index, folder / "docs", one, nullptr, silent_progress());
  ThreadPool pool(1);
  Retriever retriever(index, {.mode = SearchMode::kBm25}, nullptr, pool, silent_progress());
  const auto ranker = make_index_ranker(retriever, "bm25");
  const auto best = ranker->best("sleeping cats", 3);
  ASSERT_EQ(best.size(), 1U);
  EXPECT_EQ(best[0].document, "cats.md");
  EXPECT_EQ(best[0].of_set, std::nullopt);
  EXPECT_EQ(ranker->protocol(), "bm25 over 1 passages");
}

}  // namespace
}  // namespace nibble::rag
