#include "rag/answer/set_search.h"

#include <gmock/gmock.h>

#include "unit/rag/tiny_encoder.h"

namespace nibble::rag {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SetSearchTest : public ::testing::Test {
 protected:
  SetSearchTest() {
    set_.passages = {{"", "x y z"}, {"", "cat dog cat"}, {"t", ""}, {"", "x cat"}};
  }
  SetSearchSettings dense() const {
    return {.encoder = model_.path(), .search = {.mode = SearchMode::kDense}};
  }
  SetSearch open(const SetSearchSettings& settings, const std::string& name) {
    return {set_, settings, folder_ / name, pool_, silent_progress()};
  }
  nibble::testing::TempFolder folder_;
  testing::TinyEncoder model_;
  ThreadPool pool_{2};
  QuestionSet set_{.name = "s"};
};

TEST_F(SetSearchTest, FindsNumbersOfPassages) {
  SetSearch words = open({}, "w.rag");
  EXPECT_THAT(words.find("cats", 5), ElementsAre(1U, 3U));
  EXPECT_THAT(words.find("quark", 5), IsEmpty());
  EXPECT_FALSE(words.encoder_bytes());
  EXPECT_EQ(words.stored_bytes(), 0U);
  EXPECT_GT(words.index_bytes(), 0U);
  SetSearch meaning = open(dense(), "d.rag");
  EXPECT_EQ(meaning.find("cat dog cat", 1), std::vector<std::size_t>{1});
  EXPECT_EQ(meaning.find("x cat", 9).size(), 3U) << "a passage without text is not found";
  EXPECT_EQ(meaning.stored_bytes(), 3 * testing::TinyEncoder::kDims * sizeof(float));
  EXPECT_GT(meaning.encoder_bytes().value(), 0U);
}

TEST_F(SetSearchTest, CodesTakeLessMemory) {
  SetSearchSettings coded = dense();
  coded.weights.codec = "int8g32s";
  coded.search.codec = "int8g32s";
  SetSearch exact = open(dense(), "d.rag"), codes = open(coded, "c.rag");
  EXPECT_LT(codes.encoder_bytes().value(), exact.encoder_bytes().value());
  EXPECT_LT(codes.index_bytes(), exact.index_bytes());
  EXPECT_EQ(codes.find("x y z", 1), exact.find("x y z", 1));
}

TEST_F(SetSearchTest, ASecondOpeningFindsTheSameAndKnowsNoTime) {
  SetSearchSettings graph = dense();
  graph.index = AnnSettings::parse("hnsw:M=4").take();
  std::vector<std::size_t> before;
  {
    SetSearch first = open(graph, "h.rag");
    EXPECT_TRUE(first.build_seconds());
    EXPECT_EQ(first.build().n_embedded, 3U);
    EXPECT_GT(first.stored_bytes(), 3 * testing::TinyEncoder::kDims * sizeof(float));
    before = first.find("dog", 3);
  }
  SetSearch second = open(graph, "h.rag");
  EXPECT_FALSE(second.build_seconds());
  EXPECT_EQ(second.build().n_embedded, 0U);
  EXPECT_EQ(second.find("dog", 3), before);
}

TEST(SetSearchSettings, SaysHowItSearches) {
  SetSearchSettings settings;
  EXPECT_EQ(settings.text(), "bm25 (k1 0.9, b 0.4)");
  settings.encoder = "models/mini/";
  settings.weights.codec = "int4g32a";
  settings.search.mode = SearchMode::kHybrid;
  EXPECT_EQ(settings.text(),
            "hybrid (k1 0.9, b 0.4) by mini in int4g32a (f32 arithmetic), index flat");
  settings.search = {.mode = SearchMode::kDense, .codec = "binary", .rescore = 0};
  EXPECT_EQ(settings.text(),
            "dense by mini in int4g32a (f32 arithmetic), index flat, vectors in binary, not "
            "rescored");
  settings.search = {.mode = SearchMode::kDense, .ann = {.n_probes = 4}};
  settings.index = AnnSettings::parse("ivf-pq:m=8").take();
  EXPECT_EQ(settings.text(),
            "dense by mini in int4g32a (f32 arithmetic), index ivf-pq:m=8, 4 times as many "
            "rescored, 4 lists");
}

}  // namespace
}  // namespace nibble::rag
