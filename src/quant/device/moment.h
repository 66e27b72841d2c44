/// The second moment of a layer's inputs on a device, and its factor for GPTQ.
///
///   moment = sum over tokens of x^T x;   inverse(moment, ordered, damped) = U^T U
///
/// Weights that read the same inputs share a factor where their settings agree.
///
/// Shapes     x half [tokens, cols]; moment float [cols, cols], the upper triangle; U float [cols,
///            cols] upper triangular
/// Precision  products of binary16 are exact, their sums float32; the factor is made in float64 and
///            rounded to float32
/// Errors     those of Device; kDevice where cuBLAS or cuSOLVER is wanted and not there;
///            kUnsupported names the weight and the input of a sum that overflowed
/// Source     solve/gptq.h
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "ops/device/device.h"
#include "quant/solve/input_order.h"

namespace nibble::quant {

/// What a factor depends on.
struct FactorSettings {
  InputOrder order = InputOrder::kNatural;
  bool groups_by_place = false;
  std::size_t group = 0;
  double damping = 0;
  bool operator==(const FactorSettings&) const = default;
};

struct DeviceFactor {
  FactorSettings settings;
  Places places;
  ops::DeviceBuffer u;         ///< float [cols][cols]
  ops::DeviceBuffer input_at;  ///< [cols] by place
  ops::DeviceBuffer group_at;  ///< [cols] by place
  double damping = 0;          ///< as it was used
  bool is_diagonal = false;    ///< no damping made the moment positive definite
};

class DeviceMoment {
 public:
  DeviceMoment(ops::Device& device, std::size_t cols);
  /// Of a moment that is known: float [cols][cols], both triangles.
  static DeviceMoment of(ops::Device& device, std::span<const float> moment, std::size_t cols);

  void add(const void* x, std::size_t n_tokens);
  /// After the last `add`.
  void finish();

  [[nodiscard]] std::size_t cols() const noexcept { return cols_; }
  [[nodiscard]] std::size_t n_dead() const noexcept { return n_dead_; }
  /// [cols] bytes by input: its energy is 0.
  [[nodiscard]] const std::uint8_t* is_dead() const noexcept {
    return dead_.as<const std::uint8_t>();
  }
  /// Refuses sums that overflowed on the way to `weight`.
  void require_finite(std::string_view weight) const;
  /// float [cols][cols], both triangles.
  [[nodiscard]] const float* symmetric();
  /// Made by the first who asks, kept for the next with the same settings.
  const DeviceFactor& factor(const FactorSettings& settings);

 private:
  void make_factor(const FactorSettings& settings);
  /// False where the moment with that damping is not positive definite.
  [[nodiscard]] bool try_factor(double damping, DeviceFactor& out);

  ops::Device& device_;
  std::size_t cols_;
  ops::DeviceBuffer moment_;
  bool is_mirrored_ = false;
  ops::DeviceBuffer dead_;
  std::vector<double> diagonal_;  ///< a one for each dead input
  std::size_t n_dead_ = 0;
  std::optional<DeviceFactor> factor_;
};

}  // namespace nibble::quant
