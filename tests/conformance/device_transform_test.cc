// Hadamard transforms and rounding of activations on a GPU against the operations of the host over
// the same halves.
//
// Tolerance: what comes out is binary16, 2^-11 of it; rounding may take the other of two codes
// where a transform's last bit decides, which the tests of rounding alone do not have.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "base/error.h"
#include "ops/device/transform.h"
#include "support/gpu.h"
#include "tensor/half.h"

namespace nibble::ops {
namespace {

constexpr std::size_t kRows = 5;

std::vector<std::uint16_t> random_rows(std::size_t n_cols) {
  std::mt19937 random(11);
  std::normal_distribution<float> normal;
  std::vector<std::uint16_t> out(kRows * n_cols);
  for (std::uint16_t& x : out) {
    x = f32_to_f16(normal(random));
  }
  out[7] = f32_to_f16(40.0F);  // an outlier
  for (std::size_t i = 2 * n_cols; i < 3 * n_cols; ++i) {
    out[i] = 0;
  }
  return out;
}

/// Rows of the host, of the same halves.
std::vector<float> on_host(const std::vector<std::uint16_t>& rows,
                           std::size_t n_cols,
                           const std::optional<Hadamard>& hadamard,
                           const TokenRounding& rounding) {
  ThreadPool pool(1);
  std::vector<float> x(rows.size());
  std::ranges::transform(rows, x.begin(), [](std::uint16_t half) { return f16_to_f32(half); });
  const MatrixView<float> view{x.data(), kRows, n_cols};
  if (hadamard) {
    hadamard_in_place(*hadamard, view, pool);
  }
  round_tokens(rounding, view, pool);
  return x;
}

/// Rows of the device that lie among others, whose values no transform may touch.
std::vector<float> on_device(Device& device,
                             const std::vector<std::uint16_t>& rows,
                             std::size_t n_cols,
                             const std::optional<Hadamard>& hadamard,
                             const TokenRounding& rounding) {
  constexpr std::uint16_t kOther = 0x1234;
  const std::size_t stride = n_cols + 8;
  std::vector<std::uint16_t> spread(kRows * stride, kOther);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    spread[i / n_cols * stride + i % n_cols] = rows[i];
  }
  const DeviceBuffer x = device.upload(std::span<const std::uint16_t>(spread));
  const DeviceTransform transform(device, n_cols, hadamard, rounding);
  transform.apply(device, x.data(), kRows, stride);
  device.check("transforms");
  device.download(x.data(), spread.data(), spread.size() * 2);
  std::vector<float> out(rows.size());
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = f16_to_f32(spread[i / n_cols * stride + i % n_cols]);
  }
  for (std::size_t row = 0; row < kRows; ++row) {
    for (std::size_t i = n_cols; i < stride; ++i) {
      EXPECT_EQ(spread[row * stride + i], kOther);
    }
  }
  return out;
}

void expect_near_host(Device& device,
                      std::size_t n_cols,
                      const std::optional<Hadamard>& hadamard,
                      const TokenRounding& rounding) {
  const auto rows = random_rows(n_cols);
  const auto wanted = on_host(rows, n_cols, hadamard, rounding);
  const auto got = on_device(device, rows, n_cols, hadamard, rounding);
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_NEAR(got[i], wanted[i], std::abs(wanted[i]) * 0x1p-11F + 1e-5F)
        << n_cols << " columns, value " << i;
  }
}

/// Powers of two, bases by both of Paley's constructions, transforms side by side, and Mistral's
/// and Llama's widths.
TEST(DeviceTransform, RotatesAsTheHost) {
  NIBBLE_NEEDS_GPU(device);
  for (const std::size_t n : {64U, 576U, 1024U, 1536U, 2304U, 8192U, 14336U, 11008U, 28672U}) {
    if (static_cast<int>(n) > device.kernels().most_transformed()) {
      continue;  // a smaller device
    }
    expect_near_host(device, n, hadamard_for(n), {});
  }
  expect_near_host(device, 12 * 64, hadamard_for(64), {});
  for (const auto& [heads, dim] :
       {std::pair<std::size_t, std::size_t>{9, 64}, {32, 128}, {28, 128}}) {
    expect_near_host(device, heads * dim, hadamard_across(heads * dim, dim), {});
  }
}

TEST(DeviceTransform, RoundsAsTheHost) {
  NIBBLE_NEEDS_GPU(device);
  for (const std::size_t n : {64U, 1536U, 14336U}) {
    for (const TokenRounding rounding : {TokenRounding{.bits = 4, .clip = 0.9F},
                                         TokenRounding{.bits = 8},
                                         TokenRounding{.bits = 8, .outliers = 6.0F}}) {
      expect_near_host(device, n, std::nullopt, rounding);
    }
  }
}

/// Nearly all values of a transform and a rounding are the host's, and the others one code away.
TEST(DeviceTransform, DoesBothInOrder) {
  NIBBLE_NEEDS_GPU(device);
  constexpr std::size_t kCols = 1536;
  const TokenRounding rounding{.bits = 4, .clip = 0.9F};
  const auto rows = random_rows(kCols);
  const auto wanted = on_host(rows, kCols, hadamard_for(kCols), rounding);
  const auto got = on_device(device, rows, kCols, hadamard_for(kCols), rounding);
  std::size_t n_apart = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    n_apart += std::abs(got[i] - wanted[i]) > 1e-2F ? 1 : 0;
    ASSERT_NEAR(got[i], wanted[i], 1.0F) << "value " << i;
  }
  EXPECT_LE(n_apart, got.size() / 500);
}

TEST(DeviceTransform, SaysWhatRowsAreTooWide) {
  NIBBLE_NEEDS_GPU(device);
  try {
    const DeviceTransform transform(device, 65536, hadamard_for(65536), {});
    FAIL() << "rows of 65,536 were taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.failure().code, ErrorCode::kUnsupported);
  }
}

}  // namespace
}  // namespace nibble::ops
