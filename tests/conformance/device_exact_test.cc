// Products and gates of f32 arithmetic on a GPU against float64, for shapes that do and do not fill
// a tile; and the bits of a row in any company.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "support/gpu.h"

namespace nibble::ops {
namespace {

std::vector<float> normal_floats(std::size_t n, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> out(n);
  std::ranges::generate(out, [&] { return normal(random); });
  return out;
}

struct ExactShape {
  std::size_t rows, cols, n_tokens;
};

std::vector<float> multiply_exactly(Device& device,
                                    const ExactShape& shape,
                                    std::span<const float> w,
                                    std::span<const float> x,
                                    std::vector<float> y,
                                    bool adds) {
  const DeviceBuffer on_w = device.upload(w), on_x = device.upload(x);
  const DeviceBuffer on_y = device.upload(std::span<const float>(y));
  kernels::cuda::exact_kernels()->multiply({.w = on_w.as<const float>(),
                                            .x = on_x.as<const float>(),
                                            .y = on_y.as<float>(),
                                            .rows = static_cast<int>(shape.rows),
                                            .cols = static_cast<int>(shape.cols),
                                            .n_tokens = static_cast<int>(shape.n_tokens),
                                            .adds = adds},
                                           device.stream());
  device.check("an exact product");
  device.download(on_y.data(), y.data(), y.size() * sizeof(float));
  return y;
}

TEST(DeviceExact, ProductsFollowFloat64) {
  NIBBLE_NEEDS_GPU(device);
  for (const ExactShape& shape : {ExactShape{1, 8, 1},
                                  ExactShape{70, 72, 3},
                                  ExactShape{64, 64, 64},
                                  ExactShape{130, 1000, 67}}) {
    const auto w = normal_floats(shape.rows * shape.cols, 1);
    const auto x = normal_floats(shape.n_tokens * shape.cols, 2);
    const auto before = normal_floats(shape.n_tokens * shape.rows, 3);
    for (const bool adds : {false, true}) {
      const auto y = multiply_exactly(device, shape, w, x, before, adds);
      for (std::size_t i = 0; i < y.size(); ++i) {
        const std::size_t token = i / shape.rows, row = i % shape.rows;
        double sum = adds ? static_cast<double>(before[i]) : 0.0, magnitude = std::fabs(sum);
        for (std::size_t c = 0; c < shape.cols; ++c) {
          const double product = static_cast<double>(w[row * shape.cols + c]) *
                                 static_cast<double>(x[token * shape.cols + c]);
          sum += product;
          magnitude += std::fabs(product);
        }
        // Runs of 64 and at most 16 of them: some 80 roundings, of which most cancel.
        ASSERT_NEAR(static_cast<double>(y[i]), sum, 8.0 * std::ldexp(magnitude, -24))
            << shape.rows << " x " << shape.cols << ", token " << token << ", row " << row;
      }
    }
  }
}

TEST(DeviceExact, NoCompanyChangesABitOfAProduct) {
  NIBBLE_NEEDS_GPU(device);
  constexpr ExactShape kAll{96, 640, 130};
  const auto w = normal_floats(kAll.rows * kAll.cols, 4);
  const auto x = normal_floats(kAll.n_tokens * kAll.cols, 5);
  const auto all =
      multiply_exactly(device, kAll, w, x, std::vector<float>(kAll.n_tokens * kAll.rows), false);
  constexpr std::size_t kFirst = 77;
  for (const std::size_t n : {1U, 2U, 50U}) {
    const auto some = multiply_exactly(device,
                                       {kAll.rows, kAll.cols, n},
                                       w,
                                       std::span(x).subspan(kFirst * kAll.cols, n * kAll.cols),
                                       std::vector<float>(n * kAll.rows),
                                       false);
    for (std::size_t i = 0; i < some.size(); ++i) {
      ASSERT_EQ(some[i], all[kFirst * kAll.rows + i]) << n << " tokens, output " << i;
    }
  }
}

TEST(DeviceExact, GatesFollowFloat64) {
  NIBBLE_NEEDS_GPU(device);
  constexpr std::size_t kWidth = 50, kTokens = 7;
  const auto x = normal_floats(kTokens * 2 * kWidth, 6);
  const DeviceBuffer on_x = device.upload(std::span<const float>(x));
  const DeviceBuffer on_y = device.allocate(kTokens * kWidth * sizeof(float));
  for (const bool is_gelu : {false, true}) {
    kernels::cuda::exact_kernels()->gate(
        on_x.as<const float>(), on_y.as<float>(), kWidth, kTokens, is_gelu, device.stream());
    device.check("an exact gate");
    std::vector<float> y(kTokens * kWidth);
    device.download(on_y.data(), y.data(), on_y.size());
    for (std::size_t i = 0; i < y.size(); ++i) {
      const float* const both = x.data() + i / kWidth * 2 * kWidth + i % kWidth;
      const double g = both[0];
      const double inner = 0.7978845608028654 * (g + 0.044715 * g * g * g);
      const double gated = is_gelu ? 0.5 * g * (1.0 + std::tanh(inner)) : g / (1.0 + std::exp(-g));
      const double wanted = gated * static_cast<double>(both[kWidth]);
      ASSERT_NEAR(static_cast<double>(y[i]), wanted, 2e-6 * (1.0 + std::fabs(wanted))) << i;
    }
  }
}

}  // namespace
}  // namespace nibble::ops
