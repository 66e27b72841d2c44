#include "rag/search/dense.h"

#include <gmock/gmock.h>

#include <set>

#include "unit/rag/search/clustered.h"

namespace nibble::rag {
namespace {

using testing::clustered;
using ::testing::ElementsAre;

constexpr std::size_t kDims = 64;

std::vector<Hit> exact_search(const std::vector<float>& vectors,
                              const float* question,
                              std::size_t k) {
  std::vector<Hit> all;
  for (std::size_t i = 0; i < vectors.size() / kDims; ++i) {
    double score = 0.0;
    for (std::size_t d = 0; d < kDims; ++d) {
      score += double{vectors[i * kDims + d]} * double{question[d]};
    }
    all.push_back({static_cast<std::uint32_t>(i), score});
  }
  keep_best(all, k);
  return all;
}

std::set<std::uint32_t> items(const std::vector<Hit>& hits) {
  std::set<std::uint32_t> out;
  for (const Hit& hit : hits) {
    out.insert(hit.item);
  }
  return out;
}

class DenseTest : public ::testing::Test {
 protected:
  /// Share of the ten best that a search with `codec` finds, with `factor` times ten rescored.
  double recall(const std::string& codec, std::size_t factor, std::size_t* n_bytes = nullptr) {
    const auto index = make_flat_index({vectors_.data(), 1000, kDims}, codec, pool_);
    if (n_bytes != nullptr) {
      *n_bytes = index->n_bytes();
    }
    const MatrixView<const float> questions(questions_.data(), 70, kDims);
    auto found = index->search(questions, factor == 0 ? 10 : 10 * factor);
    std::size_t n_found = 0;
    for (std::size_t q = 0; q < questions.rows; ++q) {
      if (factor != 0) {
        found[q] = rescore(questions.row_span(q), std::move(found[q]), 10, [&](std::uint32_t item) {
          const auto begin = vectors_.begin() + item * kDims;
          return std::vector<float>(begin, begin + kDims);
        });
      }
      const auto wanted = items(exact_search(vectors_, questions.row(q), 10));
      for (const Hit& hit : found[q]) {
        n_found += wanted.contains(hit.item) ? 1U : 0U;
      }
    }
    return static_cast<double>(n_found) / 700.0;
  }

  ThreadPool pool_{2};
  std::vector<float> vectors_ = clustered(1000, kDims, 1), questions_ = clustered(70, kDims, 2);
};

TEST_F(DenseTest, FloatsFindTheBestWithTheirScores) {
  const auto index = make_flat_index({vectors_.data(), 1000, kDims}, "", pool_);
  const MatrixView<const float> questions(questions_.data(), 70, kDims);
  const auto found = index->search(questions, 5);
  ASSERT_EQ(found.size(), 70U);
  for (std::size_t q = 0; q < 70; ++q) {
    const auto wanted = exact_search(vectors_, questions.row(q), 5);
    for (std::size_t i = 0; i < 5; ++i) {
      EXPECT_EQ(found[q][i].item, wanted[i].item);
      EXPECT_NEAR(found[q][i].score, wanted[i].score, 1e-5);
    }
  }
}

TEST_F(DenseTest, CodesLoseLittleAndRescoringGivesItBack) {
  std::size_t floats = 0, eight = 0, four = 0, one = 0;
  EXPECT_EQ(recall("", 0, &floats), 1.0);
  EXPECT_GT(recall("int8g32s", 0, &eight), 0.95);
  EXPECT_GT(recall("int4g32a", 0, &four), 0.75);
  const double binary = recall("binary", 0, &one);
  EXPECT_GT(binary, 0.2);
  EXPECT_GT(recall("int4g32a", 4), 0.99);
  EXPECT_GT(recall("binary", 4), binary + 0.1);
  EXPECT_GT(floats, 2 * eight);
  EXPECT_GT(eight, four);
  EXPECT_GT(four, one);
}

TEST_F(DenseTest, BinaryScoresCountAgreeingSigns) {
  const std::vector<float> vectors = {1, -1, 1, 1, 1, 1};
  const auto index = make_flat_index({vectors.data(), 2, 3}, "binary", pool_);
  const std::vector<float> question = {2, -3, 1};
  EXPECT_THAT(index->search({question.data(), 1, 3}, 2).front(),
              ElementsAre(Hit{0, 3.0}, Hit{1, 1.0}));
}

TEST_F(DenseTest, RefusesCodecsThatDoNotExist) {
  EXPECT_THROW(make_flat_index({vectors_.data(), 10, kDims}, "int77", pool_), Error);
}

}  // namespace
}  // namespace nibble::rag
