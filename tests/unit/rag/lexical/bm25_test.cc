#include "rag/lexical/bm25.h"

#include <gmock/gmock.h>

#include <cmath>

namespace nibble::rag {
namespace {

using ::testing::Each;

std::vector<double> scores(const Bm25& bm25, std::string_view query) {
  std::vector<double> out(bm25.size());
  bm25.score(query, out);
  return out;
}

TEST(Bm25, HandWorked) {
  Bm25 bm25({.k1 = 1.0, .b = 0.5});
  bm25.add("cat cat dog");                          // length 3
  bm25.add("dog");                                  // length 1; the average is 2
  const double rare = std::log(1.0 + 1.5 / 1.5);    // in one of two
  const double common = std::log(1.0 + 0.5 / 2.5);  // in both
  const double long_norm = 0.5 + 0.5 * 1.5, short_norm = 0.5 + 0.5 * 0.5;
  const auto found = scores(bm25, "cat dog");
  EXPECT_NEAR(found[0], rare * 2.0 / (2.0 + long_norm) + common / (1.0 + long_norm), 1e-12);
  EXPECT_NEAR(found[1], common / (1.0 + short_norm), 1e-12);
}

TEST(Bm25, CountsRepetitionsInTheQuestion) {
  Bm25 bm25;
  bm25.add("cat");
  bm25.add("dog");
  EXPECT_NEAR(scores(bm25, "cat cat")[0], 2.0 * scores(bm25, "cat")[0], 1e-12);
}

TEST(Bm25, CountsItsBytes) {
  Bm25 bm25;
  EXPECT_EQ(bm25.n_bytes(), 0U);
  bm25.add("cat dog cat");
  bm25.add("dog");
  // two terms of three letters, three postings of eight bytes, two lengths of four
  EXPECT_EQ(bm25.n_bytes(), 2U * 3 + 3U * 8 + 2U * 4);
}

TEST(Bm25, TellsWhenNoTermIsKnown) {
  Bm25 bm25;
  bm25.add("cat");
  std::vector<double> out(1, 7.0);
  EXPECT_FALSE(bm25.score("der Hund", out));
  EXPECT_THAT(out, Each(0.0));
  EXPECT_TRUE(bm25.score("cats", out));
  EXPECT_FALSE(bm25.score("", out));
}

TEST(Bm25, EmptyDocumentsAndIndicesScoreNothing) {
  Bm25 bm25;
  std::vector<double> none;
  EXPECT_FALSE(bm25.score("cat", none));
  bm25.add("");
  bm25.add("cat");
  EXPECT_EQ(scores(bm25, "cat")[0], 0.0);
  EXPECT_GT(scores(bm25, "cat")[1], 0.0);
}

}  // namespace
}  // namespace nibble::rag
