#include "ops/linear.h"

#include <gmock/gmock.h>

#include <cmath>

#include "codec/dense.h"
#include "codec/int_group.h"

namespace nibble::ops {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const std::vector<float> kWeight = {1, 2, 3, 4, 5, 6};  // [2, 3]

Linear small_layer(ThreadPool& pool, std::vector<float> bias = {}) {
  const Tensor values = Tensor::from<float>(DType::kF32, {2, 3}, kWeight);
  return Linear::make(codec::dense_matrix(values), std::move(bias), Arithmetic::kF32, pool);
}

TEST(Linear, MultipliesAndAddsTheBias) {
  ThreadPool pool(2);
  const Linear layer = small_layer(pool, {10, 20});
  const std::vector<float> x = {1, 0, -1, 2, 1, 0};
  std::vector<float> y(4);
  layer.apply({x.data(), 2, 3}, {y.data(), 2, 2}, pool);
  EXPECT_THAT(y, ElementsAre(8, 18, 14, 33));
  EXPECT_EQ(layer.rows(), 2U);
  EXPECT_EQ(layer.cols(), 3U);
}

TEST(Linear, WritesOnlyItsColumnsOfAWiderOutput) {
  ThreadPool pool(1);
  const Linear layer = small_layer(pool);
  const std::vector<float> x = {1, 1, 1};
  std::vector<float> y(4, -1.0F);
  layer.apply({x.data(), 1, 3}, {y.data() + 1, 1, 2, 4}, pool);
  EXPECT_THAT(y, ElementsAre(-1, 6, 15, -1));
}

TEST(Linear, GathersRows) {
  ThreadPool pool(1);
  const Linear layer = small_layer(pool);
  const std::vector<std::int32_t> ids = {1, 0, 1};
  std::vector<float> out(9);
  layer.gather_rows(ids, {out.data(), 3, 3});
  EXPECT_THAT(out, ElementsAre(4, 5, 6, 1, 2, 3, 4, 5, 6));
}

TEST(Linear, AppliesSeveralLayersToOneInput) {
  ThreadPool pool(2);
  const Linear a = small_layer(pool);
  const Linear b = small_layer(pool, {1, 1});
  const std::vector<float> x = {1, 1, 1};
  std::vector<float> ya(2);
  std::vector<float> yb(2);
  const Linear* const layers[] = {&a, &b};
  const MatrixView<float> ys[] = {{ya.data(), 1, 2}, {yb.data(), 1, 2}};
  apply_all(layers, {x.data(), 1, 3}, ys, pool);
  EXPECT_THAT(ya, ElementsAre(6, 15));
  EXPECT_THAT(yb, ElementsAre(7, 16));
}

TEST(Linear, GatesAPairByHand) {
  ThreadPool pool(2);
  const Linear gate = small_layer(pool, {0, -15});
  const Linear up = small_layer(pool, {1, 2});
  const std::vector<float> x = {1, 1, 1};
  std::vector<float> y(3, -1.0F);
  apply_gated({gate, up, GateActivation::kSilu}, {x.data(), 1, 3}, {y.data(), 1, 2}, pool);
  EXPECT_NEAR(y[0], 6 / (1 + std::exp(-6.0F)) * 7, 1e-5F);
  EXPECT_EQ(y[1], 0.0F) << "silu(0) times 17";
  EXPECT_EQ(y[2], -1.0F) << "behind the last row";
  EXPECT_THROW(
      apply_gated({gate, up, GateActivation::kSilu}, {x.data(), 1, 3}, {y.data(), 1, 3}, pool),
      Error);
}

/// 40 rows of 72 inputs in groups of 32, whose inputs are `order`; codes by place.
codec::EncodedMatrix integers(const std::vector<std::uint32_t>& order) {
  const codec::IntGroupFormat format{4, 32, codec::ZeroKind::kInteger, DType::kF16, !order.empty()};
  codec::IntGroupCodes codes;
  codes.codes.resize(40 * 72);
  for (std::size_t i = 0; i < codes.codes.size(); ++i) {
    const std::size_t place = i % 72;
    codes.codes[i - place + (order.empty() ? place : order[place])] =
        static_cast<std::uint8_t>(i * 7 % 13);
  }
  for (std::size_t g = 0; g < 40 * 3; ++g) {
    codes.scales.push_back(0.125F * static_cast<float>(1 + g % 5));
    codes.zeros.push_back(static_cast<float>(g % 7));
  }
  codes.order = order;
  return codec::pack_int_group(format, 40, 72, codes);
}

TEST(Linear, GroupsOfAnotherOrderGiveTheBitsOfOrderedInputs) {
  std::vector<std::uint32_t> order(72);
  for (std::size_t p = 0; p < order.size(); ++p) {
    order[p] = static_cast<std::uint32_t>(p * 5 % 72);
  }
  ThreadPool pool(2);
  const std::size_t n_tokens = 29;
  std::vector<float> x(n_tokens * 72);
  std::vector<float> ordered(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = std::sin(static_cast<float>(i));
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    ordered[i] = x[i - i % 72 + order[i % 72]];
  }
  for (const Arithmetic arithmetic : {Arithmetic::kNative, Arithmetic::kDeterministic}) {
    const Linear permuted = Linear::make(integers(order), {}, arithmetic, pool);
    const Linear plain = Linear::make(integers({}), {}, arithmetic, pool);
    std::vector<float> wanted(n_tokens * 40);
    std::vector<float> got(wanted.size());
    std::vector<float> beside(wanted.size());
    plain.apply({ordered.data(), n_tokens, 72}, {wanted.data(), n_tokens, 40}, pool);
    // Beside a layer that takes the inputs as they are.
    const Linear* const layers[] = {&plain, &permuted};
    const MatrixView<float> ys[] = {{beside.data(), n_tokens, 40}, {got.data(), n_tokens, 40}};
    apply_all(layers, {x.data(), n_tokens, 72}, ys, pool);
    EXPECT_EQ(got, wanted);
    EXPECT_NE(beside, wanted);
    std::vector<float> row(72);
    const std::vector<std::int32_t> ids = {33};
    permuted.gather_rows(ids, {row.data(), 1, 72});
    const auto decoded = codec::decode_all(integers(order));
    EXPECT_EQ(row, std::vector<float>(decoded.begin() + 33 * 72, decoded.begin() + 34 * 72));
  }
}

TEST(Linear, RefusesOperandsThatDoNotFit) {
  ThreadPool pool(1);
  const Linear layer = small_layer(pool);
  std::vector<float> x(4);
  std::vector<float> y(4);
  const std::vector<std::int32_t> outside = {2};
  try {
    layer.apply({x.data(), 1, 4}, {y.data(), 1, 2}, pool);
    FAIL() << "4 columns were accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kShapeMismatch);
    EXPECT_THAT(error.what(), HasSubstr("linear [2, 3]: x is [1, 4]"));
  }
  EXPECT_THROW(layer.gather_rows(outside, {y.data(), 1, 3}), Error);
  EXPECT_THROW(small_layer(pool, {1, 2, 3}), Error);
}

}  // namespace
}  // namespace nibble::ops
