/// A linear layer on a device: weights packed once, and the kernel chosen by the number of tokens.
///
///   y[t, r] = sum over c of W[r, c] * x[t, c]
///
/// Up to `packed_tokens` tokens, and any number where the order of the sums must be fixed, the
/// matrix units multiply the packed weights; with a few tokens they can take them from a norm. More
/// tokens are a dense product by cuBLASLt over weights that are made binary16 first.
///
/// Shapes     W [rows, cols]; x half [tokens, cols]; y as the epilogue has it
/// Precision  x is binary16, sums are float32
/// Errors     those of pack_fragments and Device; kDevice where cuBLASLt is wanted and not there
/// Source     our own; docs/kernels.md
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "kernels/fragments.h"
#include "ops/device/device.h"

namespace nibble::ops {

/// Rows of halves on a device.
struct DeviceRows {
  const void* data = nullptr;
  std::size_t n_rows = 0;
  std::size_t stride = 0;
  /// As DeviceLinear::takes_arranged wants them, instead of row by row.
  bool is_arranged = false;
};

/// Rows of floats that are normalized first: what enters the product is half(x * weight / rms(x)).
struct NormedRows {
  const float* data = nullptr;    ///< [n_rows][cols]
  const float* weight = nullptr;  ///< [cols]
  float epsilon = 0;
  std::size_t n_rows = 0;
  void* room = nullptr;  ///< arranged_bytes(n_rows, cols), for kernels that do not normalize
};

/// Where a layer writes, and how.
struct DeviceOutput {
  void* data = nullptr;
  std::size_t stride = 0;
  kernels::cuda::Epilogue epilogue = kernels::cuda::Epilogue::kHalf;
  /// With gates: arranged for the layer that reads it.
  bool arranges = false;
};

/// Of the pieces of a block of weights, as of all that a device allocates.
inline constexpr std::size_t kBlockAlignment = 256;

/// Memory that layers share while they run.
struct LinearScratch {
  DeviceScratch weights;
  DeviceScratch gated;
  DeviceScratch partial;
  DeviceScratch arranged;
  DeviceScratch counters;
};

/// A matrix of random codes, for measurements without a model.
struct RandomMatrix {
  kernels::FragmentFormat format = kernels::FragmentFormat::kCode4;
  std::size_t rows = 0;
  std::size_t cols = 0;
  std::size_t group = 128;
  std::uint32_t seed = 1;
};

class DeviceLinear {
 public:
  DeviceLinear() = default;
  static DeviceLinear make(Device& device, const kernels::Fragments& weight);
  /// Its outputs are of the size of its inputs.
  static DeviceLinear random(Device& device, const RandomMatrix& matrix);

  [[nodiscard]] std::size_t rows() const noexcept { return static_cast<std::size_t>(view_.rows); }
  [[nodiscard]] std::size_t cols() const noexcept { return static_cast<std::size_t>(view_.cols); }
  [[nodiscard]] std::size_t n_bytes() const noexcept { return n_bytes_; }
  /// Bytes of a block that holds the weights of the layer.
  [[nodiscard]] std::size_t block_bytes() const noexcept;
  /// The same layer without memory of its own: its weights are read from a block of the device at
  /// `block`, whose content goes to `host`, where `device` can copy to.
  [[nodiscard]] DeviceLinear moved_to_block(Device& device,
                                            std::byte* host,
                                            std::byte* block) const;
  /// More tokens than that are a dense product, unless the order is fixed. Matrices of a middle
  /// size do not fill a device with blocks of rows: making them binary16 costs less than their
  /// blocks wait for each other (docs/results/cuda.md).
  [[nodiscard]] std::size_t packed_tokens() const noexcept {
    constexpr std::size_t kSmall = std::size_t{8} << 20, kLarge = std::size_t{28} << 20;
    const std::size_t n_weights = rows() * cols();
    return n_weights >= kSmall && n_weights < kLarge ? 64 : 256;
  }
  [[nodiscard]] const kernels::cuda::WeightView& view() const noexcept { return view_; }
  /// Whether the kernel for so many tokens reads them in an arrangement that others may write.
  [[nodiscard]] bool takes_arranged(const Device& device,
                                    std::size_t n_tokens,
                                    bool fixed_order) const;
  /// "code4 stream", "code4 shared", "code4 to half, cuBLASLt"
  [[nodiscard]] std::string kernel(std::size_t n_tokens, bool fixed_order) const;

  void apply(Device& device,
             const DeviceRows& x,
             const DeviceOutput& y,
             bool fixed_order,
             LinearScratch& scratch) const;
  void apply(Device& device,
             const NormedRows& x,
             const DeviceOutput& y,
             bool fixed_order,
             LinearScratch& scratch) const;

 private:
  [[nodiscard]] std::size_t buffer_bytes() const noexcept;
  [[nodiscard]] kernels::cuda::LinearTask task_of(const DeviceOutput& y,
                                                  std::size_t n_tokens,
                                                  bool fixed_order) const;
  void apply_dense(Device& device,
                   const DeviceRows& x,
                   const DeviceOutput& y,
                   LinearScratch& scratch) const;

  kernels::cuda::WeightView view_;
  DeviceBuffer codes_, scales_, offsets_, row_factors_;
  std::size_t n_bytes_ = 0;
};

}  // namespace nibble::ops
