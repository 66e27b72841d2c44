// A row of an operation gets the same bits whichever rows share the call: matrix products by number
// of tokens, attention by the queries beside it and by how a sequence is cut.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <random>

#include "base/checked_math.h"
#include "codec/dense.h"
#include "codec/int_group.h"
#include "codec/nf4.h"
#include "conformance/isa.h"
#include "ops/attention.h"
#include "ops/linear.h"
#include "support/coded_pages.h"

namespace nibble::ops {
namespace {

std::vector<float> normal_values(std::size_t n, float spread, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal(0.0F, spread);
  std::vector<float> out(n);
  std::ranges::generate(out, [&] { return normal(random); });
  return out;
}

std::vector<std::uint8_t> random_codes(std::size_t n, std::size_t bits) {
  std::mt19937 random(11);
  std::vector<std::uint8_t> out(n);
  std::ranges::generate(out, [&] { return static_cast<std::uint8_t>(random() % (1U << bits)); });
  return out;
}

bool same_bits(const float* a, const float* b, std::size_t n) {
  return std::memcmp(a, b, n * sizeof(float)) == 0;
}

codec::EncodedMatrix dense(std::size_t rows, std::size_t cols) {
  return codec::dense_matrix(
      Tensor::from<float>(DType::kF32, {rows, cols}, normal_values(rows * cols, 0.05F, 3)));
}

codec::EncodedMatrix integers(const char* name, std::size_t rows, std::size_t cols) {
  const codec::IntGroupFormat format = *codec::int_group_from_name(name);
  const std::size_t n_groups = rows * format.n_groups(cols);
  codec::IntGroupCodes codes{random_codes(rows * cols, format.bits),
                             normal_values(n_groups, 0.01F, 4),
                             std::vector<float>(n_groups, static_cast<float>(format.middle()))};
  if (format.zero == codec::ZeroKind::kFloat) {
    codes.zeros = normal_values(n_groups, 2.0F, 5);
  }
  return codec::pack_int_group(format, rows, cols, codes);
}

codec::EncodedMatrix codebook(const char* name, std::size_t rows, std::size_t cols) {
  const codec::CodebookFormat format = *codec::codebook_from_name(name);
  return codec::pack_codebook(
      format,
      rows,
      cols,
      {.codes = random_codes(rows * cols, 4),
       .absmax = normal_values(ceil_div(rows * cols, format.block), 0.01F, 6)});
}

/// Products of the first n of the tokens, and of single ones, against the product of all at once.
void expect_equal_products(const std::string& what,
                           const codec::EncodedMatrix& weight,
                           Arithmetic arithmetic) {
  constexpr std::size_t kTokens = 41;
  ThreadPool one(1);
  ThreadPool two(2);
  const Linear layer = Linear::make(weight, normal_values(weight.rows, 1.0F, 8), arithmetic, one);
  const auto values = normal_values(kTokens * weight.cols, 1.0F, 9);
  const MatrixView<const float> x(values.data(), kTokens, weight.cols);
  std::vector<float> all(kTokens * weight.rows);
  layer.apply(x, {all.data(), kTokens, weight.rows}, one);
  const auto check = [&](std::size_t first, std::size_t n, ThreadPool& pool) {
    std::vector<float> part(n * weight.rows);
    layer.apply(x.rows_from(first, n), {part.data(), n, weight.rows}, pool);
    EXPECT_TRUE(same_bits(part.data(), all.data() + first * weight.rows, part.size()))
        << what << ", " << layer.kernel() << ", [" << weight.rows << ", " << weight.cols
        << "]: tokens " << first << " to " << first + n << ", " << pool.size() << " threads";
  };
  for (std::size_t n = 1; n <= kTokens; ++n) {
    check(0, n, one);
    check(kTokens - n, n, two);
  }
  check(17, 1, two);
}

TEST(RowCompany, OfMatrixProducts) {
  NIBBLE_NEEDS_ISA();
  for (const std::size_t cols : {7U, 64U, 576U, 1408U}) {
    constexpr std::size_t kRows = 50;
    for (const Arithmetic mode : {Arithmetic::kF32, Arithmetic::kNative}) {
      expect_equal_products("dense", dense(kRows, cols), mode);
    }
    if (cols % 8 != 0) {
      continue;
    }
    for (const char* name : {"int4g32s",
                             "int4g64a",
                             "int3g128fh",
                             "int2g16s",
                             "int4cs",
                             "int8cs",
                             "int8g32f",
                             "int5g64a"}) {
      expect_equal_products(name, integers(name, kRows, cols), Arithmetic::kNative);
    }
    for (const char* name : {"nf4b64", "nf4b32", "fp4b512"}) {
      expect_equal_products(name, codebook(name, kRows, cols), Arithmetic::kNative);
    }
  }
}

/// A gated pair in one pass against its two products and the gate one after the other.
void expect_fused_gate(const codec::EncodedMatrix& gate_weight,
                       const codec::EncodedMatrix& up_weight,
                       GateActivation activation) {
  constexpr std::size_t kTokens = 29;
  ThreadPool one(1);
  ThreadPool two(2);
  const std::size_t rows = gate_weight.rows;
  const Linear gate = Linear::make(gate_weight, {}, Arithmetic::kNative, one);
  const Linear up = Linear::make(up_weight, normal_values(rows, 1.0F, 8), Arithmetic::kNative, one);
  const auto values = normal_values(kTokens * gate_weight.cols, 1.0F, 9);
  const MatrixView<const float> x(values.data(), kTokens, gate_weight.cols);
  std::vector<float> gates(kTokens * rows);
  std::vector<float> ups(kTokens * rows);
  const MatrixView<float> apart(gates.data(), kTokens, rows);
  const MatrixView<float> beside(ups.data(), kTokens, rows);
  apply_all(std::array{&gate, &up}, x, std::array{apart, beside}, one);
  gate_in_place(activation, apart, beside, one);
  for (std::size_t n = 1; n <= kTokens; ++n) {
    for (ThreadPool* pool : {&one, &two}) {
      std::vector<float> fused(n * rows);
      apply_gated(
          {gate, up, activation}, x.rows_from(kTokens - n, n), {fused.data(), n, rows}, *pool);
      EXPECT_TRUE(same_bits(fused.data(), apart.row(kTokens - n), fused.size()))
          << gate.kernel() << " and " << up.kernel() << ": " << n << " tokens, " << pool->size()
          << " threads";
    }
  }
}

TEST(RowCompany, OfAGatedPairEqualsItsPartsOneByOne) {
  NIBBLE_NEEDS_ISA();
  for (const std::size_t cols : {64U, 576U}) {
    constexpr std::size_t kRows = 50;
    for (const GateActivation activation : {GateActivation::kSilu, GateActivation::kGeluTanh}) {
      const auto int4 = integers("int4g32s", kRows, cols);
      expect_fused_gate(int4, int4, activation);
      expect_fused_gate(int4, integers("int8cs", kRows, cols), activation);
      expect_fused_gate(integers("int2g16s", kRows, cols), dense(kRows, cols), activation);
      expect_fused_gate(dense(kRows, cols), codebook("nf4b64", kRows, cols), activation);
    }
  }
}

struct AttentionProblem {
  AttentionShape shape;
  std::size_t n_tokens;
  std::vector<float> q, k, v;
  std::vector<std::byte> storage;
  std::vector<KvPageView> pages;

  AttentionProblem(const AttentionShape& shape_, std::size_t n_tokens_)
      : shape(shape_), n_tokens(n_tokens_) {
    const std::size_t kv_cols = shape.n_kv_heads * shape.head_dim;
    q = normal_values(n_tokens * shape.n_heads * shape.head_dim, 1.0F, 1);
    k = normal_values(n_tokens * kv_cols, 1.0F, 2);
    v = normal_values(n_tokens * kv_cols, 1.0F, 3);
    const std::size_t page_bytes = kv_cols * shape.page_tokens * sizeof(float);
    storage.resize(2 * ceil_div(n_tokens, shape.page_tokens) * page_bytes);
    for (std::size_t at = 0; at < storage.size(); at += 2 * page_bytes) {
      pages.push_back({storage.data() + at, storage.data() + at + page_bytes});
    }
  }

  /// The sequence in pieces of `piece` tokens, each stored before it asks.
  std::vector<float> run(std::size_t piece, ThreadPool& pool) {
    const std::size_t q_cols = shape.n_heads * shape.head_dim;
    const std::size_t kv_cols = shape.n_kv_heads * shape.head_dim;
    std::vector<float> out(n_tokens * q_cols);
    for (std::size_t first = 0; first < n_tokens; first += piece) {
      const std::size_t n = std::min(piece, n_tokens - first);
      const AttentionSequence sequence{0, n, first, pages};
      store_kv(shape,
               {k.data() + first * kv_cols, n, kv_cols},
               {v.data() + first * kv_cols, n, kv_cols},
               {&sequence, 1},
               pool);
      attention(shape,
                {q.data() + first * q_cols, n, q_cols},
                {&sequence, 1},
                {out.data() + first * q_cols, n, q_cols},
                pool);
    }
    return out;
  }
};

TEST(RowCompany, OfAttention) {
  NIBBLE_NEEDS_ISA();
  ThreadPool one(1);
  ThreadPool two(2);
  for (const DType dtype : {DType::kF32, DType::kF16}) {
    for (const std::size_t page_tokens : {64U, 48U}) {
      for (const std::size_t window : {0U, 1U, 20U, 64U, 100U}) {
        for (const std::size_t n_heads : {2U, 6U}) {
          AttentionProblem problem({.n_heads = n_heads,
                                    .n_kv_heads = 2,
                                    .head_dim = 40,
                                    .scale = 0.3F,
                                    .softcap = window == 20 ? 5.0F : 0.0F,
                                    .window = window,
                                    .page_tokens = page_tokens,
                                    .kv_dtype = dtype},
                                   200);
          const std::vector<float> whole = problem.run(200, one);
          for (const std::size_t piece : {1U, 2U, 7U, 8U, 32U, 33U, 70U}) {
            const std::vector<float> cut = problem.run(piece, piece % 2 == 0 ? one : two);
            EXPECT_TRUE(same_bits(cut.data(), whole.data(), whole.size()))
                << dtype_name(dtype) << ", pages of " << page_tokens << ", window " << window
                << ", " << n_heads << " heads, pieces of " << piece;
          }
        }
      }
    }
  }
}

/// A sequence over coded pages, in pieces of `piece` tokens.
std::vector<float> run_coded(const codec::KvScheme& scheme,
                             const AttentionShape& problem,
                             std::size_t piece,
                             ThreadPool& pool) {
  constexpr std::size_t kTokens = 300;
  const std::size_t q_cols = problem.n_heads * problem.head_dim;
  const std::size_t kv_cols = problem.n_kv_heads * problem.head_dim;
  nibble::testing::Coding coding(scheme, {problem.n_kv_heads, problem.head_dim});
  coding.rotations.cover(kTokens);
  AttentionShape shape = problem;
  shape.coding = &coding.view;
  const nibble::testing::CodedPages pages(shape, kTokens);
  const auto q = normal_values(kTokens * q_cols, 1.0F, 1);
  const auto k = normal_values(kTokens * kv_cols, 1.0F, 2);
  const auto v = normal_values(kTokens * kv_cols, 1.0F, 3);
  std::vector<float> out(kTokens * q_cols);
  for (std::size_t first = 0; first < kTokens; first += piece) {
    const std::size_t n = std::min(piece, kTokens - first);
    const AttentionSequence sequence = pages.sequence(first, n);
    store_kv(shape,
             {k.data() + first * kv_cols, n, kv_cols},
             {v.data() + first * kv_cols, n, kv_cols},
             {&sequence, 1},
             pool);
    attention(shape,
              {q.data() + first * q_cols, n, q_cols},
              {&sequence, 1},
              {out.data() + first * q_cols, n, q_cols},
              pool);
  }
  return out;
}

TEST(RowCompany, OfAttentionOverCodedKeysAndValues) {
  NIBBLE_NEEDS_ISA();
  ThreadPool one(1);
  ThreadPool two(2);
  for (const codec::KvScheme& scheme : codec::kv_schemes()) {
    for (const DType dtype : {DType::kF32, DType::kF16}) {
      const AttentionShape shape{.n_heads = 6,
                                 .n_kv_heads = 2,
                                 .head_dim = 48,
                                 .scale = 0.2F,
                                 .page_tokens = 64,
                                 .kv_dtype = dtype};
      if (!scheme.is_coded()) {
        continue;
      }
      const std::vector<float> whole = run_coded(scheme, shape, 300, one);
      for (const std::size_t piece : {1U, 7U, 32U, 100U}) {
        const std::vector<float> cut = run_coded(scheme, shape, piece, two);
        EXPECT_TRUE(same_bits(cut.data(), whole.data(), whole.size()))
            << scheme.name << ", floats of " << dtype_name(dtype) << ", pieces of " << piece;
      }
    }
  }
}

}  // namespace
}  // namespace nibble::ops
