#include "rag/search/ann_index.h"

#include <gmock/gmock.h>

#include <set>

#include "unit/rag/search/ann_bytes.h"
#include "unit/rag/search/clustered.h"

namespace nibble::rag {
namespace {

using testing::bytes_of;
using testing::BytesSource;
using testing::clustered;
using ::testing::SizeIs;

constexpr std::size_t kDims = 32;

/// What both kinds must do.
class AnnIndexTest : public ::testing::TestWithParam<const char*> {
 protected:
  AnnSettings settings(std::size_t n) const {
    return AnnSettings::parse(GetParam()).take().resolved(n, kDims).take();
  }
  std::unique_ptr<AnnIndex> build(MatrixView<const float> vectors, const AnnSettings& settings) {
    auto index = make_ann_index(settings, {vectors.rows, kDims}, pool_);
    if (const std::size_t n_sample = index->n_training(); n_sample > 0) {
      index->train(vectors.rows_from(0, n_sample));
    }
    index->add(vectors);
    return index;
  }
  std::unique_ptr<AnnIndex> build(std::size_t n) {
    vectors_ = clustered(n, kDims, 1);
    return build({vectors_.data(), n, kDims}, settings(n));
  }
  /// Share of the ten best that `found`, rescored, has.
  double recall(const AnnIndex& index, std::size_t factor) {
    const std::vector<float> asked = clustered(100, kDims, 2);
    const MatrixView<const float> questions(asked.data(), 100, kDims);
    const MatrixView<const float> all(vectors_.data(), vectors_.size() / kDims, kDims);
    const auto wanted = make_flat_index(all, "", pool_)->search(questions, 10);
    auto found = index.search(questions, 10 * factor);
    double n_found = 0;
    for (std::size_t q = 0; q < 100; ++q) {
      found[q] = rescore(questions.row_span(q), found[q], 10, [&](std::uint32_t item) {
        return std::vector<float>(all.row(item), all.row(item) + kDims);
      });
      std::set<std::uint32_t> items;
      for (const Hit& hit : found[q]) {
        items.insert(hit.item);
      }
      for (const Hit& hit : wanted[q]) {
        n_found += items.contains(hit.item) ? 1 : 0;
      }
    }
    return n_found / 1000.0;
  }

  ThreadPool pool_{2};
  std::vector<float> vectors_;
};

TEST_P(AnnIndexTest, FindsMostOfWhatFlatSearchFinds) {
  const auto index = build(3000);
  EXPECT_EQ(index->size(), 3000U);
  index->set_search({.ef_search = 100, .n_probes = 24});
  EXPECT_GE(recall(*index, 4), 0.95);
  const double thorough = recall(*index, 4);
  index->set_search({.ef_search = 10, .n_probes = 1});
  EXPECT_LT(recall(*index, 1), thorough);
}

TEST_P(AnnIndexTest, PartsGiveTheSameAsAllAtOnceForAnyNumberOfThreads) {
  const auto whole = build(700);
  const MatrixView<const float> all(vectors_.data(), 700, kDims);
  ThreadPool one(1);
  auto parts = make_ann_index(settings(700), {700, kDims}, one);
  if (const std::size_t n_sample = parts->n_training(); n_sample > 0) {
    parts->train(all.rows_from(0, n_sample));
  }
  parts->add(all.rows_from(0, 333));
  const std::vector<std::byte> stored = bytes_of(*parts);
  BytesSource source(stored);
  const auto read = read_ann_index(source, settings(700), 333, {700, kDims}, one);
  EXPECT_EQ(read->n_training(), 0U);
  read->add(all.rows_from(0, 100));
  read->add(all.rows_from(100, 600));
  EXPECT_EQ(read->size(), 700U);
  EXPECT_EQ(bytes_of(*read), bytes_of(*whole));
  const std::vector<float> asked = clustered(5, kDims, 3);
  EXPECT_EQ(read->search({asked.data(), 5, kDims}, 10),
            whole->search({asked.data(), 5, kDims}, 10));
}

TEST_P(AnnIndexTest, FewPassagesAreAllFound) {
  for (const std::size_t n : {1U, 2U, 7U}) {
    const auto index = build(n);
    const auto hits = index->search({vectors_.data(), 1, kDims}, 10).front();
    ASSERT_THAT(hits, SizeIs(n));
    EXPECT_EQ(hits.front().item, 0U);
    EXPECT_NEAR(hits.front().score, 1.0, 1e-5);  // as many codes as vectors: no loss
  }
}

TEST_P(AnnIndexTest, EqualVectorsAreNoTrouble) {
  const std::vector<float> vectors(500 * kDims, 0.1F);
  const MatrixView<const float> all(vectors.data(), 500, kDims);
  const auto index = build(all, settings(500));
  EXPECT_THAT(index->search(all.rows_from(0, 1), 5).front(), SizeIs(5));
}

TEST_P(AnnIndexTest, DamagedBytesAreRefusedOrHarmless) {
  constexpr std::size_t kN = 60;
  const auto index = build(kN);
  const std::vector<std::byte> bytes = bytes_of(*index);
  ASSERT_EQ(testing::refusal(bytes, settings(kN), kN, kDims, pool_), "");
  for (std::size_t n = 0; n < bytes.size(); n += 1 + n / 50) {
    EXPECT_NE(testing::refusal(std::span(bytes).first(n), settings(kN), kN, kDims, pool_), "") << n;
  }
  std::vector<std::byte> longer = bytes;
  longer.push_back(std::byte{0});
  EXPECT_NE(testing::refusal(longer, settings(kN), kN, kDims, pool_), "");
  EXPECT_NE(testing::refusal(bytes, settings(kN), kN - 1, kDims, pool_), "");
  for (std::size_t i = 0; i < bytes.size(); i += i < 400 ? 1 : 97) {
    std::vector<std::byte> broken = bytes;
    broken[i] ^= std::byte{0xFF};
    const std::string why = testing::refusal(broken, settings(kN), kN, kDims, pool_);
    ASSERT_NE(why, "not kCorruptData") << i;
    if (why.empty()) {  // another link, another centroid: found is less, nothing breaks
      BytesSource source(broken);
      const auto read = read_ann_index(source, settings(kN), kN, {kN, kDims}, pool_);
      read->add({vectors_.data(), kN, kDims});
      EXPECT_LE(read->search({vectors_.data(), 1, kDims}, 10).front().size(), 10U);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, AnnIndexTest, ::testing::Values("hnsw:M=8", "ivf-pq:m=8"));

}  // namespace
}  // namespace nibble::rag
