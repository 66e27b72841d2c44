/// A decoder block on a device forwards and backwards: the gradients of the weights of its linear
/// layers for the error of its outputs. gradient/block_gradient.h has the formulas.
///
/// Some windows at a time: what a pass keeps does not grow with the batch.
///
/// Shapes     inputs, targets float [tokens][hidden], whole windows of `window` tokens; gradients
///            float, rows as the block's products have them (device/block.h)
/// Precision  the stream, the error and sums of products float32, what enters a product binary16;
///            gradients on their way are binary16 times a factor that the caller chooses
/// Errors     those of Device and products.h
/// Source     gradient/block_gradient.h
#pragma once

#include <span>

#include "quant/device/attention_gradient.h"
#include "quant/device/block.h"
#include "quant/device/window_attention.h"

namespace nibble::quant {

/// Floats as the block's products have their rows; empty where a gradient is not wanted.
struct DeviceBlockGradients {
  ops::DeviceBuffer qkv, o, gate_up, down;
};

class DeviceBlockGradient {
 public:
  /// The weights of the block may change between passes.
  DeviceBlockGradient(ops::Device& device, const DeviceBlock& block, std::size_t window);

  static std::size_t bytes_needed(const model::ModelConfig& config, std::size_t window);
  /// Windows that a pass takes at most.
  [[nodiscard]] std::size_t windows_at_once() const noexcept { return at_once_; }

  /// Over all passes since the last `clear_error`.
  struct Error {
    double squares = 0;  ///< sum of
    double largest = 0;  ///< in size
  };
  void clear_error();
  [[nodiscard]] Error error();

  /// Keeps what `backward` needs.
  void forward(const float* inputs, const float* targets, std::span<const std::size_t> windows);
  /// Of half the squared error of the last `forward`, times `factor`; added where `adds` says so.
  /// To be called once for a `forward`.
  void backward(float factor, const DeviceBlockGradients& gradients, bool adds);

 private:
  using HalfBits = std::uint16_t;
  /// [tokens][columns] each.
  struct Kept {
    float* middle;  ///< the stream between the branches
    float* out;     ///< the error, then its gradient
    HalfBits *attention_in, *qkv, *raw, *attended, *mlp_in;
    HalfBits* d;             ///< the gradient behind a branch
    HalfBits *both, *gated;  ///< of the MLP; what follows lies in their place
    float* d_normed;         ///< at its input; in the place of `gated`
    HalfBits *d_attended, *d_qkv;
    Arena attention;  ///< where attention works
  };
  static std::size_t windows_in_a_pass(std::size_t window);
  /// Bytes, and the places where there is memory.
  static std::size_t lay_out(const model::ModelConfig& config,
                             std::size_t window,
                             std::byte* bytes,
                             Kept& out);
  void copy_windows(const float* from, std::span<const std::size_t> windows, float* to);
  void normalize(const float* x, const ops::DeviceBuffer& weight, void* y);
  void attention_forward(std::size_t n_windows);
  void mlp_forward();
  /// gradient = d^T x, or more by that.
  void weight_gradient(const void* d,
                       const void* x,
                       const ops::DeviceBuffer& gradient,
                       std::size_t rows,
                       std::size_t cols,
                       bool adds);
  /// y = d w
  void through_weight(const void* d,
                      const ops::DeviceBuffer& w,
                      void* y,
                      std::size_t rows,
                      std::size_t cols,
                      bool float_out);
  void mlp_backward(const DeviceBlockGradients& gradients, bool adds);
  void attention_backward(const DeviceBlockGradients& gradients, bool adds);

  ops::Device& device_;
  const DeviceBlock& block_;
  model::ModelConfig config_;
  std::size_t window_, at_once_;
  std::size_t q_cols_, qkv_cols_;
  WindowAttention attention_;
  DeviceAttentionGradient attention_gradient_;
  ops::DeviceBuffer memory_, sums_;
  Kept kept_{};
  std::size_t n_tokens_ = 0;  ///< of the last forward
};

}  // namespace nibble::quant
