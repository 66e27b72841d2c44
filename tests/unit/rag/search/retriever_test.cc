#include "rag/search/retriever.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "rag/chunk/token_counter.h"
#include "rag/index/build.h"
#include "unit/rag/tiny_encoder.h"

namespace nibble::rag {
namespace {

using nibble::testing::TempFolder;
using nibble::testing::write_file;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class RetrieverTest : public ::testing::Test {
 protected:
  RetrieverTest() : encoder_(Encoder::open(model_.path(), {}, pool_, silent_progress()).take()) {
    write_file(folder_ / "d.jsonl",
               "{\"_id\": \"pets\", \"text\": \"cat dog cat\"}\n"
               "{\"_id\": \"letters\", \"text\": \"x y z x y z x y z\"}\n"
               "{\"_id\": \"both\", \"text\": \"x cat\"}\n");
  }

  IndexFile build(bool with_vectors = true) {
    IndexSettings settings{.passages = "words:3:0"};
    if (with_vectors) {
      settings = {.passages = "words:3:0",
                  .encoder = model_.path().string(),
                  .codec = "",
                  .arithmetic = "f32",
                  .encoder_hash = encoder_->hash(),
                  .dims = encoder_->dims()};
    }
    IndexFile index =
        IndexFile::open_or_create(folder_ / (with_vectors ? "v.rag" : "w.rag"), settings);
    TokenCounter counter(encoder_->tokenizer());
    build_index(index,
                folder_ / "d.jsonl",
                counter,
                with_vectors ? encoder_.get() : nullptr,
                silent_progress());
    return index;
  }
  std::vector<std::string> documents(IndexFile& index,
                                     const RetrieverOptions& options,
                                     const std::string& question,
                                     std::size_t k) {
    Retriever retriever(index, options, encoder_.get(), pool_, silent_progress());
    const std::vector<std::string> questions = {question};
    std::vector<std::string> out;
    const auto found = retriever.search_documents(questions, k);
    for (const Hit& hit : found.front()) {
      out.push_back(retriever.document(hit.item));
    }
    return out;
  }
  std::string refusal(IndexFile& index, const RetrieverOptions& options, Encoder* encoder) {
    try {
      Retriever retriever(index, options, encoder, pool_, silent_progress());
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  }

  TempFolder folder_;
  testing::TinyEncoder model_;
  ThreadPool pool_{2};
  std::unique_ptr<Encoder> encoder_;
};

TEST_F(RetrieverTest, FindsWords) {
  IndexFile index = build(false);
  const RetrieverOptions options{.mode = SearchMode::kBm25};
  EXPECT_THAT(documents(index, options, "cats", 5), ElementsAre("pets", "both"));
  EXPECT_THAT(documents(index, options, "nothing", 5), IsEmpty());
  EXPECT_THAT(documents(index, options, "z", 1), ElementsAre("letters"));
}

TEST_F(RetrieverTest, FindsMeaningAndAPassageIsNearestToItself) {
  IndexFile index = build();
  for (const char* codec : {"", "int8g32s", "binary"}) {
    const RetrieverOptions options{.mode = SearchMode::kDense, .codec = codec};
    EXPECT_EQ(documents(index, options, "cat dog cat", 1).front(), "pets") << codec;
    EXPECT_EQ(documents(index, options, "x y z", 1).front(), "letters") << codec;
  }
  const RetrieverOptions options{.mode = SearchMode::kDense};
  Retriever retriever(index, options, encoder_.get(), pool_, silent_progress());
  const std::vector<std::string> questions = {"x y z"};
  const auto hits = retriever.search(questions, 9).front();
  EXPECT_THAT(hits, SizeIs(5));
  EXPECT_NEAR(hits.front().score, 1.0, 1e-5);
  EXPECT_EQ(retriever.passage(hits.front().item).text, "x y z");
}

TEST_F(RetrieverTest, GivesEveryDocumentOnceHoweverManyPassagesItHas) {
  IndexFile index = build();
  EXPECT_THAT(documents(index, {.mode = SearchMode::kDense}, "x y z", 3), SizeIs(3));
  EXPECT_THAT(documents(index, {.mode = SearchMode::kHybrid}, "x y z", 3), SizeIs(3));
}

TEST_F(RetrieverTest, HybridFusesBothRankings) {
  IndexFile index = build();
  Retriever retriever(
      index, {.mode = SearchMode::kHybrid}, encoder_.get(), pool_, silent_progress());
  const std::vector<std::string> questions = {"cat dog cat"};
  const auto hits = retriever.search(questions, 9).front();
  EXPECT_EQ(retriever.document(hits.front().item), "pets");
  EXPECT_NEAR(hits.front().score, 2.0 / 61, 1e-12);  // first in both
}

TEST_F(RetrieverTest, RefusesWhatItCannotSearch) {
  IndexFile words = build(false);
  EXPECT_THAT(refusal(words, {.mode = SearchMode::kDense}, encoder_.get()),
              HasSubstr("no vectors"));
  IndexFile index = build();
  EXPECT_THAT(refusal(index, {.mode = SearchMode::kDense}, nullptr), HasSubstr("encoder"));
  const testing::TinyEncoder other("cls");
  const auto wrong = Encoder::open(other.path(), {}, pool_, silent_progress()).take();
  EXPECT_THAT(refusal(index, {.mode = SearchMode::kHybrid}, wrong.get()),
              HasSubstr("another encoder"));
  index.database().execute("UPDATE passages SET vector = NULL WHERE id = 1");
  EXPECT_THAT(refusal(index, {.mode = SearchMode::kDense}, encoder_.get()),
              HasSubstr("1 passages have no vector yet"));
  EXPECT_EQ(refusal(index, {.mode = SearchMode::kBm25}, nullptr), "");
}

TEST_F(RetrieverTest, SearchesTheIndexOfNeighboursThatTheFileHas) {
  IndexFile index = build();
  for (const char* kind : {"hnsw", "ivf-pq"}) {
    build_ann(
        index, {.settings = AnnSettings::parse(kind).take(), .pool = &pool_}, silent_progress());
    EXPECT_EQ(documents(index, {.mode = SearchMode::kDense}, "cat dog cat", 1).front(), "pets");
    EXPECT_THAT(documents(index, {.mode = SearchMode::kHybrid}, "x y z", 3), SizeIs(3));
    Retriever retriever(
        index, {.mode = SearchMode::kDense}, encoder_.get(), pool_, silent_progress());
    EXPECT_THAT(retriever.ann(), ::testing::StartsWith(kind));
    const std::vector<std::string> questions = {"x y z"};
    const auto hits = retriever.search(questions, 9).front();
    EXPECT_THAT(hits, SizeIs(5));
    EXPECT_NEAR(hits.front().score, 1.0, 1e-5);
    Retriever flat(index,
                   {.mode = SearchMode::kDense, .is_exhaustive = true},
                   encoder_.get(),
                   pool_,
                   silent_progress());
    EXPECT_EQ(flat.ann(), "flat");
  }
}

TEST_F(RetrieverTest, RefusesAnIndexOfNeighboursOfOtherVectors) {
  IndexFile index = build();
  build_ann(
      index, {.settings = AnnSettings::parse("hnsw").take(), .pool = &pool_}, silent_progress());
  index.database().execute("UPDATE ann SET bytes = zeroblob(length(bytes))");
  EXPECT_THAT(
      refusal(index, {.mode = SearchMode::kDense}, encoder_.get()),
      HasSubstr("damaged: the number of passages or the entry; run nibble rag index again"));
  index.database().execute("DELETE FROM passages WHERE id = 1");
  EXPECT_THAT(refusal(index, {.mode = SearchMode::kDense}, encoder_.get()),
              HasSubstr("run nibble rag index again"));
  EXPECT_EQ(refusal(index, {.mode = SearchMode::kDense, .codec = "binary"}, encoder_.get()), "");
  EXPECT_EQ(refusal(index, {.mode = SearchMode::kDense, .is_exhaustive = true}, encoder_.get()),
            "");
}

TEST(SearchMode, IsReadByName) {
  EXPECT_EQ(search_mode_from_name("dense").take(), SearchMode::kDense);
  EXPECT_EQ(search_mode_from_name("bm25").take(), SearchMode::kBm25);
  EXPECT_EQ(search_mode_from_name("hybrid").take(), SearchMode::kHybrid);
  EXPECT_THAT(search_mode_from_name("hybird").failure().message, HasSubstr("hybrid"));
}

}  // namespace
}  // namespace nibble::rag
