#include "ops/attention.h"

#include <gmock/gmock.h>

#include <cmath>
#include <random>
#include <vector>

#include "base/checked_math.h"
#include "base/error.h"
#include "tensor/half.h"

namespace nibble::ops {
namespace {

std::vector<float> random_values(std::size_t n, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> out(n);
  for (float& value : out) {
    value = normal(random);
  }
  return out;
}

/// Pages of one sequence, of either dtype.
class Cache {
 public:
  Cache(const AttentionShape& shape, std::size_t n_tokens)
      : page_elements_(shape.n_kv_heads * shape.page_tokens * shape.head_dim),
        storage_(2 * ceil_div(n_tokens, shape.page_tokens) * page_elements_) {
    for (std::size_t at = 0; at < storage_.size(); at += 2 * page_elements_) {
      pages_.push_back({storage_.data() + at, storage_.data() + at + page_elements_});
    }
  }
  [[nodiscard]] std::span<const KvPageView> pages() const { return pages_; }

 private:
  std::size_t page_elements_;
  std::vector<float> storage_;
  std::vector<KvPageView> pages_;
};

float through_cache(const AttentionShape& shape, float value) {
  return shape.kv_dtype == DType::kF16 ? f16_to_f32(f32_to_f16(value)) : value;
}

/// The formula, for one head of one query, over k and v as plain rows.
std::vector<double> expected(const AttentionShape& shape,
                             const float* q,
                             MatrixView<const float> k,
                             MatrixView<const float> v,
                             std::size_t position,
                             std::size_t kv_head) {
  std::vector<double> weights;
  double total = 0.0;
  for (std::size_t j = 0; j <= position; ++j) {
    double score = 0.0;
    for (std::size_t d = 0; d < shape.head_dim; ++d) {
      score += double{q[d]} * double{through_cache(shape, k(j, kv_head * shape.head_dim + d))};
    }
    score *= double{shape.scale};
    if (shape.softcap != 0.0F) {
      score = double{shape.softcap} * std::tanh(score / double{shape.softcap});
    }
    const bool visible = shape.window == 0 || position - j < shape.window;
    weights.push_back(visible ? std::exp(score) : 0.0);
    total += weights.back();
  }
  std::vector<double> out(shape.head_dim);
  for (std::size_t j = 0; j <= position; ++j) {
    for (std::size_t d = 0; d < shape.head_dim; ++d) {
      out[d] +=
          weights[j] / total * double{through_cache(shape, v(j, kv_head * shape.head_dim + d))};
    }
  }
  return out;
}

/// Fills a sequence in two chunks (the second sees the first through the cache) and compares every
/// output.
void check(const AttentionShape& shape, std::size_t first_chunk, std::size_t second_chunk) {
  ThreadPool pool(2);
  const std::size_t n = first_chunk + second_chunk;
  const std::size_t q_cols = shape.n_heads * shape.head_dim;
  const std::size_t kv_cols = shape.n_kv_heads * shape.head_dim;
  const auto q = random_values(n * q_cols, 1);
  const auto k = random_values(n * kv_cols, 2);
  const auto v = random_values(n * kv_cols, 3);
  const MatrixView<const float> keys(k.data(), n, kv_cols);
  const MatrixView<const float> values(v.data(), n, kv_cols);
  std::vector<float> out(n * q_cols);
  const Cache cache(shape, n);
  for (const auto& [start, count] :
       {std::pair{std::size_t{0}, first_chunk}, {first_chunk, second_chunk}}) {
    if (count == 0) {
      continue;
    }
    const AttentionSequence sequence{0, count, start, cache.pages()};
    const std::span<const AttentionSequence> one(&sequence, 1);
    store_kv(shape, keys.rows_from(start, count), values.rows_from(start, count), one, pool);
    attention(shape,
              {q.data() + start * q_cols, count, q_cols},
              one,
              {out.data() + start * q_cols, count, q_cols},
              pool);
  }
  for (std::size_t t = 0; t < n; ++t) {
    for (std::size_t h = 0; h < shape.n_heads; ++h) {
      const std::size_t at = t * q_cols + h * shape.head_dim;
      const auto wanted =
          expected(shape, q.data() + at, keys, values, t, h * shape.n_kv_heads / shape.n_heads);
      for (std::size_t d = 0; d < shape.head_dim; ++d) {
        ASSERT_NEAR(out[at + d], wanted[d], 2e-6) << "query " << t << " head " << h << " dim " << d;
      }
    }
  }
}

AttentionShape shape_of(std::size_t n_heads, std::size_t n_kv_heads, std::size_t head_dim) {
  AttentionShape shape;
  shape.n_heads = n_heads;
  shape.n_kv_heads = n_kv_heads;
  shape.head_dim = head_dim;
  shape.scale = 1.0F / std::sqrt(static_cast<float>(head_dim));
  shape.page_tokens = 64;
  return shape;
}

TEST(Attention, PromptThenDecode) {
  for (const DType dtype : {DType::kF32, DType::kF16}) {
    AttentionShape shape = shape_of(9, 3, 64);
    shape.kv_dtype = dtype;
    check(shape, 130, 1);
    check(shape, 1, 1);
    check(shape, 63, 70);
  }
}

TEST(Attention, HeadSizesAndGroupsThatFillNoTile) {
  for (const DType dtype : {DType::kF32, DType::kF16}) {
    for (const auto& [heads, kv_heads, dim] :
         {std::tuple{1, 1, 5}, {7, 1, 33}, {4, 4, 80}, {8, 2, 128}, {4, 1, 256}}) {
      AttentionShape shape = shape_of(static_cast<std::size_t>(heads),
                                      static_cast<std::size_t>(kv_heads),
                                      static_cast<std::size_t>(dim));
      shape.page_tokens = 7;
      shape.kv_dtype = dtype;
      check(shape, 20, 17);
    }
  }
}

TEST(Attention, WindowHidesOldKeys) {
  AttentionShape shape = shape_of(4, 2, 16);
  for (const std::size_t window : {1U, 5U, 64U, 100U}) {
    shape.window = window;
    check(shape, 100, 50);
  }
}

TEST(Attention, SoftcapBoundsTheScores) {
  AttentionShape shape = shape_of(2, 1, 32);
  shape.scale = 2.0F;
  shape.softcap = 5.0F;
  check(shape, 70, 3);
}

TEST(Attention, PackedSequencesDoNotSeeEachOther) {
  ThreadPool pool(2);
  const AttentionShape shape = shape_of(2, 2, 16);
  const std::size_t cols = 32;
  const auto rows = random_values(12 * cols, 7);
  const MatrixView<const float> all(rows.data(), 12, cols);
  const Cache together_a(shape, 5), together_b(shape, 7), alone(shape, 7);
  const AttentionSequence pair[] = {{0, 5, 0, together_a.pages()}, {5, 7, 0, together_b.pages()}};
  const AttentionSequence second[] = {{0, 7, 0, alone.pages()}};
  std::vector<float> out(12 * cols);
  std::vector<float> out_alone(7 * cols);
  store_kv(shape, all, all, pair, pool);
  attention(shape, all, pair, {out.data(), 12, cols}, pool);
  const auto tail = all.rows_from(5, 7);
  store_kv(shape, tail, tail, second, pool);
  attention(shape, tail, second, {out_alone.data(), 7, cols}, pool);
  EXPECT_TRUE(std::equal(
      out_alone.begin(), out_alone.end(), out.begin() + 5 * static_cast<std::ptrdiff_t>(cols)));
}

TEST(Attention, RefusesWhatDoesNotFit) {
  ThreadPool pool(1);
  const AttentionShape shape = shape_of(3, 1, 16);
  const Cache cache(shape, 64);
  std::vector<float> q(65 * 48);
  const MatrixView<float> view(q.data(), 65, 48);
  const AttentionSequence too_long[] = {{0, 65, 0, cache.pages()}};
  EXPECT_THROW(attention(shape, view, too_long, view, pool), Error) << "one page of 64 positions";
  const AttentionSequence outside[] = {{64, 2, 0, cache.pages()}};
  EXPECT_THROW(attention(shape, view, outside, view, pool), Error);
  EXPECT_THROW(attention(shape_of(3, 2, 16), view, {}, view, pool), Error);
  EXPECT_THROW(attention(shape_of(1, 1, 513), view, {}, view, pool), Error);
}

}  // namespace
}  // namespace nibble::ops
