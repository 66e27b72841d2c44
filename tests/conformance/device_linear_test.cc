// Every format and epilogue of the products on a GPU, for numbers of tokens that do and do not fill
// a tile, against the product in float64 of the decoded weights and the rounded activations.
//
// Tolerance: scales, offsets and what is made binary16 keep 11 bits, so 3 * 2^-11 * sum |w x| and
// the rounding of float32 sums; a binary16 output 2^-11 more.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

#include "codec/dense.h"
#include "ops/device/linear.h"
#include "support/gpu.h"
#include "support/grid_codec.h"
#include "tensor/half.h"

namespace nibble::ops {
namespace {

using kernels::cuda::Epilogue;
using nibble::testing::GridCodec;

struct Kind {
  const char* name;
  std::size_t bits;  ///< 16: dense
  std::size_t group;
  bool has_offsets;
  bool common_zero;
  bool has_codebook;
};

constexpr Kind kKinds[] = {{"int4_g128_symmetric", 4, 128, true, true, false},
                           {"int4_g64_offsets", 4, 64, true, false, false},
                           {"int4_g32_offsets", 4, 32, true, false, false},
                           {"int3_g64_symmetric", 3, 64, true, true, false},
                           {"int2_g16_symmetric", 2, 16, true, true, false},
                           {"codebook_g64", 4, 64, false, false, true},
                           {"codebook_g32", 4, 32, false, false, true},
                           {"int8_g64_symmetric", 8, 64, true, true, false},
                           {"int8_g128_offsets", 8, 128, true, false, false},
                           {"int6_g16_symmetric", 6, 16, true, true, false},
                           {"int5_g32_offsets", 5, 32, true, false, false},
                           {"half", 16, 0, false, false, false}};

codec::EncodedMatrix make_matrix(const Kind& kind, std::size_t rows, std::size_t cols) {
  if (kind.bits == 16) {
    std::mt19937 random(5);
    std::normal_distribution<float> normal(0.0F, 0.05F);
    std::vector<float> values(rows * cols);
    std::ranges::generate(values, [&] { return f16_to_f32(f32_to_f16(normal(random))); });
    return codec::dense_matrix(Tensor::from<float>(DType::kF32, {rows, cols}, values));
  }
  codec::Grid grid{
      .bits = kind.bits, .group = kind.group, .has_offsets = kind.has_offsets, .codebook = {}};
  if (kind.has_codebook) {
    std::array<float, 16> levels{};
    std::iota(levels.begin(), levels.end(), -7.4F);
    grid.codebook = levels;
  }
  return {std::make_shared<GridCodec>(grid, cols, kind.common_zero, 11), rows, cols, {}};
}

std::vector<std::uint16_t> random_halves(std::size_t n, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<std::uint16_t> out(n);
  std::ranges::generate(out, [&] { return f32_to_f16(normal(random)); });
  return out;
}

/// A matrix, its decoded values, and the same on the device.
struct Layer {
  Layer(Device& device, const Kind& kind, std::size_t rows, std::size_t cols) {
    ThreadPool pool(2);
    const std::vector sources = {make_matrix(kind, rows, cols)};
    values = codec::decode_all(sources[0]);
    packed = DeviceLinear::make(
        device, kernels::pack_fragments(sources, kernels::stacked_rows(sources), pool));
  }
  std::vector<float> values;
  DeviceLinear packed;
};

struct Sum {
  double value = 0.0, magnitude = 0.0;
};
Sum exact_sum(const Layer& layer,
              std::span<const std::uint16_t> x,
              std::size_t token,
              std::size_t row) {
  const std::size_t cols = layer.packed.cols();
  Sum sum;
  for (std::size_t c = 0; c < cols; ++c) {
    const double product = static_cast<double>(layer.values[row * cols + c]) *
                           static_cast<double>(f16_to_f32(x[token * cols + c]));
    sum.value += product;
    sum.magnitude += std::fabs(product);
  }
  return sum;
}

double tolerance(const Sum& sum) {
  return 3.0 * std::ldexp(sum.magnitude, -11) + std::ldexp(std::fabs(sum.value), -10) + 1e-6;
}

/// Outputs of any epilogue as floats, over poison.
template <class T>
std::vector<T> run(Device& device,
                   const Layer& layer,
                   std::span<const std::uint16_t> x,
                   std::size_t n_tokens,
                   std::size_t width,
                   Epilogue epilogue,
                   bool fixed_order,
                   std::vector<T> y) {
  LinearScratch scratch;
  const DeviceBuffer in = device.upload(x);
  const DeviceBuffer out = device.upload(std::span<const T>(y));
  layer.packed.apply(device,
                     DeviceRows{in.data(), n_tokens, layer.packed.cols()},
                     {out.data(), width, epilogue},
                     fixed_order,
                     scratch);
  device.check("linear");
  device.download(out.data(), y.data(), y.size() * sizeof(T));
  return y;
}

class DeviceLinearOf : public ::testing::TestWithParam<Kind> {};

TEST_P(DeviceLinearOf, FollowsTheProductForAnyNumberOfTokens) {
  NIBBLE_NEEDS_GPU(device);
  for (const auto& [rows, cols] :
       {std::pair<std::size_t, std::size_t>{40, 72}, {16, 576}, {48, 1536}}) {
    const Layer layer(device, GetParam(), rows, cols);
    for (const std::size_t n : {1U, 3U, 8U, 9U, 16U, 17U, 33U, 64U, 72U, 200U}) {
      const auto x = random_halves(n * cols, static_cast<std::uint32_t>(n));
      const auto y = run<float>(
          device, layer, x, n, rows, Epilogue::kFloat, false, std::vector<float>(n * rows, NAN));
      for (std::size_t t = 0; t < n; ++t) {
        for (std::size_t r = 0; r < rows; ++r) {
          const Sum sum = exact_sum(layer, x, t, r);
          ASSERT_NEAR(static_cast<double>(y[t * rows + r]), sum.value, tolerance(sum))
              << rows << " x " << cols << ", " << n << " tokens, token " << t << ", row " << r;
        }
      }
    }
  }
}

TEST_P(DeviceLinearOf, FixedOrderGivesTheSameBitsInAnyCompany) {
  NIBBLE_NEEDS_GPU(device);
  constexpr std::size_t kRows = 48, kCols = 1088, kTokens = 150;
  const Layer layer(device, GetParam(), kRows, kCols);
  const auto x = random_halves(kTokens * kCols, 3);
  const auto all = run<float>(device,
                              layer,
                              x,
                              kTokens,
                              kRows,
                              Epilogue::kFloat,
                              true,
                              std::vector<float>(kTokens * kRows, NAN));
  for (const std::size_t n : {1U, 7U, 16U, 40U}) {
    const std::size_t first = 70;
    const auto some = run<float>(device,
                                 layer,
                                 std::span(x).subspan(first * kCols, n * kCols),
                                 n,
                                 kRows,
                                 Epilogue::kFloat,
                                 true,
                                 std::vector<float>(n * kRows, NAN));
    for (std::size_t i = 0; i < some.size(); ++i) {
      ASSERT_EQ(some[i], all[first * kRows + i]) << n << " tokens, output " << i;
    }
  }
}

/// Columns that fall among the blocks of a cluster, and those that one block holds.
TEST_P(DeviceLinearOf, FollowsTheProductOverManyColumns) {
  NIBBLE_NEEDS_GPU(device);
  constexpr std::size_t kRows = 72, kCols = 8192;
  const Layer layer(device, GetParam(), kRows, kCols);
  for (const std::size_t n : {1U, 4U, 8U, 16U, 31U, 50U, 130U}) {
    const auto x = random_halves(n * kCols, static_cast<std::uint32_t>(n));
    const auto y = run<float>(
        device, layer, x, n, kRows, Epilogue::kFloat, false, std::vector<float>(n * kRows, NAN));
    for (std::size_t t = 0; t < n; ++t) {
      for (std::size_t r = 0; r < kRows; ++r) {
        const Sum sum = exact_sum(layer, x, t, r);
        ASSERT_NEAR(static_cast<double>(y[t * kRows + r]), sum.value, tolerance(sum))
            << n << " tokens, token " << t << ", row " << r;
      }
    }
  }
}

/// More rows than all blocks hold at a time; some of them are looked at.
TEST_P(DeviceLinearOf, FollowsTheProductOverManyRows) {
  NIBBLE_NEEDS_GPU(device);
  constexpr std::size_t kCols = 128;
  for (const std::size_t rows : {std::size_t{6150}, std::size_t{70008}}) {
    const Layer layer(device, GetParam(), rows, kCols);
    for (const std::size_t n : {1U, 8U, 16U, 40U}) {
      const auto x = random_halves(n * kCols, static_cast<std::uint32_t>(n));
      const auto y = run<float>(
          device, layer, x, n, rows, Epilogue::kFloat, false, std::vector<float>(n * rows, NAN));
      for (std::size_t t = 0; t < n; ++t) {
        for (std::size_t r = t % 13; r < rows; r += 13) {
          const Sum sum = exact_sum(layer, x, t, r);
          ASSERT_NEAR(static_cast<double>(y[t * rows + r]), sum.value, tolerance(sum))
              << rows << " rows, " << n << " tokens, token " << t << ", row " << r;
        }
      }
    }
  }
}

/// The same outputs whether a norm is a kernel of its own or part of the product.
TEST_P(DeviceLinearOf, NormalizesWhatItMultiplies) {
  NIBBLE_NEEDS_GPU(device);
  constexpr std::size_t kRows = 48;
  for (const std::size_t cols : {1536U, 2048U, 4096U}) {
    const Layer layer(device, GetParam(), kRows, cols);
    for (const std::size_t n : {1U, 3U, 4U, 8U, 9U, 43U}) {
      std::mt19937 random(static_cast<std::uint32_t>(n));
      std::normal_distribution<float> normal(0.5F, 3.0F);
      std::vector<float> hidden(n * cols), weight(cols);
      std::ranges::generate(hidden, [&] { return normal(random); });
      std::ranges::generate(weight, [&] { return normal(random); });
      std::vector<std::uint16_t> x(n * cols);
      for (std::size_t t = 0; t < n; ++t) {
        double squares = 0.0;
        for (std::size_t c = 0; c < cols; ++c) {
          squares += std::pow(static_cast<double>(hidden[t * cols + c]), 2);
        }
        const double factor = 1.0 / std::sqrt(squares / static_cast<double>(cols) + 1e-5);
        for (std::size_t c = 0; c < cols; ++c) {
          x[t * cols + c] = f32_to_f16(static_cast<float>(
              factor * static_cast<double>(hidden[t * cols + c]) * static_cast<double>(weight[c])));
        }
      }
      const DeviceBuffer in = device.upload(std::span<const float>(hidden));
      const DeviceBuffer norm = device.upload(std::span<const float>(weight));
      const DeviceBuffer room = device.allocate(kernels::cuda::arranged_bytes(n, cols));
      const DeviceBuffer out = device.allocate(n * kRows * sizeof(float));
      LinearScratch scratch;
      layer.packed.apply(
          device,
          NormedRows{in.as<const float>(), norm.as<const float>(), 1e-5F, n, room.data()},
          {out.data(), kRows, Epilogue::kFloat},
          false,
          scratch);
      device.check("a normalized product");
      std::vector<float> y(n * kRows);
      device.download(out.data(), y.data(), out.size());
      for (std::size_t t = 0; t < n; ++t) {
        for (std::size_t r = 0; r < kRows; ++r) {
          const Sum sum = exact_sum(layer, x, t, r);
          ASSERT_NEAR(static_cast<double>(y[t * kRows + r]),
                      sum.value,
                      tolerance(sum) + std::ldexp(sum.magnitude, -11))
              << cols << " columns, " << n << " tokens, token " << t << ", row " << r;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, DeviceLinearOf, ::testing::ValuesIn(kKinds), [](const auto& row) {
  return row.param.name;
});

TEST(DeviceLinear, EpiloguesWriteWhatTheySay) {
  NIBBLE_NEEDS_GPU(device);
  constexpr std::size_t kRows = 64, kCols = 320;
  const Layer layer(device, kKinds[0], kRows, kCols);
  for (const std::size_t n : {1U, 12U, 30U, 100U}) {
    const auto x = random_halves(n * kCols, 9);
    const auto halves = run<std::uint16_t>(device,
                                           layer,
                                           x,
                                           n,
                                           kRows,
                                           Epilogue::kHalf,
                                           false,
                                           std::vector<std::uint16_t>(n * kRows, 0x7E00));
    const auto added = run<float>(device,
                                  layer,
                                  x,
                                  n,
                                  kRows,
                                  Epilogue::kAddFloat,
                                  false,
                                  std::vector<float>(n * kRows, 2.0F));
    const auto gated = run<std::uint16_t>(device,
                                          layer,
                                          x,
                                          n,
                                          kRows / 2,
                                          Epilogue::kGatedSilu,
                                          false,
                                          std::vector<std::uint16_t>(n * kRows / 2, 0x7E00));
    for (std::size_t t = 0; t < n; ++t) {
      for (std::size_t r = 0; r < kRows; ++r) {
        const Sum sum = exact_sum(layer, x, t, r);
        ASSERT_NEAR(
            static_cast<double>(f16_to_f32(halves[t * kRows + r])), sum.value, tolerance(sum));
        ASSERT_NEAR(static_cast<double>(added[t * kRows + r]), sum.value + 2.0, tolerance(sum));
      }
      for (std::size_t i = 0; i < kRows / 2; ++i) {
        const std::size_t row = i / 8 * 16 + i % 8;
        const Sum gate = exact_sum(layer, x, t, row), up = exact_sum(layer, x, t, row + 8);
        const double wanted = gate.value / (1.0 + std::exp(-gate.value)) * up.value;
        const double error = 1.1 * tolerance(gate) * (std::fabs(up.value) + tolerance(up)) +
                             std::fabs(gate.value) * tolerance(up) +
                             std::ldexp(std::fabs(wanted), -10) + 1e-5;
        ASSERT_NEAR(static_cast<double>(f16_to_f32(gated[t * kRows / 2 + i])), wanted, error)
            << n << " tokens";
      }
    }
  }
}

}  // namespace
}  // namespace nibble::ops
