#include "quant/device/block_gradient.h"

#include <algorithm>

#include "base/check.h"
#include "quant/device/matrix.h"
#include "quant/device/products.h"

namespace nibble::quant {
namespace {

/// Enough to fill the device, few enough for small buffers.
constexpr std::size_t kTokensOfPass = 8192;
constexpr std::size_t kPair = 2 * sizeof(double);

std::size_t width_of_qkv(const model::ModelConfig& config) {
  return (config.n_heads + 2 * config.n_kv_heads) * config.head_dim;
}

}  // namespace

std::size_t DeviceBlockGradient::windows_in_a_pass(std::size_t window) {
  return std::max<std::size_t>(1, kTokensOfPass / window);
}

std::size_t DeviceBlockGradient::lay_out(const model::ModelConfig& config,
                                         std::size_t window,
                                         std::byte* bytes,
                                         Kept& out) {
  const std::size_t n_windows = windows_in_a_pass(window);
  const std::size_t n = n_windows * window;
  Arena arena(bytes);
  out.middle = arena.take<float>(n * config.hidden);
  out.out = arena.take<float>(n * config.hidden);
  out.attention_in = arena.take<HalfBits>(n * config.hidden);
  out.qkv = arena.take<HalfBits>(n * width_of_qkv(config));
  out.raw = config.qk_norm ? arena.take<HalfBits>(n * width_of_qkv(config)) : nullptr;
  out.attended = arena.take<HalfBits>(n * config.n_heads * config.head_dim);
  out.mlp_in = arena.take<HalfBits>(n * config.hidden);
  out.d = arena.take<HalfBits>(n * config.hidden);
  // One place for what the MLP has, and, behind it, for what attention needs backwards.
  Arena mlp = arena;
  out.both = mlp.take<HalfBits>(n * 2 * config.intermediate);
  Arena normed = mlp;
  out.gated = mlp.take<HalfBits>(n * config.intermediate);
  out.d_normed = normed.take<float>(n * config.hidden);
  out.d_attended = arena.take<HalfBits>(n * config.n_heads * config.head_dim);
  out.d_qkv = arena.take<HalfBits>(n * width_of_qkv(config));
  out.attention = arena;
  const std::size_t attention =
      arena.used() + DeviceAttentionGradient::scratch_bytes(config, window, n_windows);
  return std::max({mlp.used(), normed.used(), attention});
}

std::size_t DeviceBlockGradient::bytes_needed(const model::ModelConfig& config,
                                              std::size_t window) {
  Kept places{};
  return lay_out(config, window, nullptr, places) +
         windows_in_a_pass(window) * window * WindowAttention::bytes_a_token(config);
}

DeviceBlockGradient::DeviceBlockGradient(ops::Device& device,
                                         const DeviceBlock& block,
                                         std::size_t window)
    : device_(device),
      block_(block),
      config_(block.config()),
      window_(window),
      at_once_(windows_in_a_pass(window)),
      q_cols_(config_.n_heads * config_.head_dim),
      qkv_cols_(width_of_qkv(config_)),
      attention_(device, config_, window, at_once_),
      attention_gradient_(device, config_, window, at_once_),
      memory_(device.allocate(lay_out(config_, window, nullptr, kept_))),
      sums_(device.allocate((kernels::cuda::kLossParts + 1) * kPair)) {
  lay_out(config_, window, memory_.data(), kept_);
  clear_error();
}

void DeviceBlockGradient::clear_error() {
  device_.clear(sums_.data(), kPair);
}

DeviceBlockGradient::Error DeviceBlockGradient::error() {
  double both[2] = {};
  device_.download(sums_.data(), both, sizeof both);
  return {both[0], both[1]};
}

void DeviceBlockGradient::copy_windows(const float* from,
                                       std::span<const std::size_t> windows,
                                       float* to) {
  const std::size_t n = window_ * config_.hidden;
  for (std::size_t i = 0; i < windows.size(); ++i) {
    device_.copy(from + windows[i] * n, to + i * n, n * sizeof(float));
  }
}

void DeviceBlockGradient::normalize(const float* x, const ops::DeviceBuffer& weight, void* y) {
  kernels::cuda::NormTask task;
  task.x = x;
  task.weight = weight.as<const float>();
  task.y = y;
  task.n_rows = static_cast<int>(n_tokens_);
  task.width = static_cast<int>(config_.hidden);
  task.epsilon = config_.norm_epsilon;
  device_.kernels().rms_norm(task, device_.stream());
}

void DeviceBlockGradient::attention_forward(std::size_t n_windows) {
  const auto& w = block_.weights();
  const Kept& k = kept_;
  normalize(k.middle, w.attention_norm, k.attention_in);
  multiply_tokens(
      device_, w.qkv, k.attention_in, k.qkv, Into::kHalf, qkv_cols_, config_.hidden, n_tokens_);
  if (k.raw != nullptr) {
    device_.copy(k.qkv, k.raw, n_tokens_ * qkv_cols_ * sizeof(HalfBits));
  }
  attention_.run(block_, k.qkv, k.attended, n_windows);
  multiply_tokens(
      device_, w.o, k.attended, k.middle, Into::kAddFloat, config_.hidden, q_cols_, n_tokens_);
}

void DeviceBlockGradient::mlp_forward() {
  const auto& w = block_.weights();
  const Kept& k = kept_;
  const std::size_t wide = config_.intermediate;
  normalize(k.middle, w.mlp_norm, k.mlp_in);
  multiply_tokens(
      device_, w.gate_up, k.mlp_in, k.both, Into::kHalf, 2 * wide, config_.hidden, n_tokens_);
  device_.kernels().gate(k.both,
                         k.gated,
                         static_cast<int>(wide),
                         static_cast<int>(n_tokens_),
                         config_.activation == ops::GateActivation::kGeluTanh,
                         device_.stream());
}

void DeviceBlockGradient::forward(const float* inputs,
                                  const float* targets,
                                  std::span<const std::size_t> windows) {
  NIBBLE_CHECK(windows.size() <= at_once_, "more windows than a pass takes");
  n_tokens_ = windows.size() * window_;
  const Kept& k = kept_;
  const std::size_t n = n_tokens_ * config_.hidden;
  copy_windows(inputs, windows, k.middle);
  attention_forward(windows.size());
  mlp_forward();
  copy_windows(targets, windows, k.out);
  awq_kernels().subtract_from(k.middle, k.out, n, device_.stream());
  multiply_tokens(device_,
                  block_.weights().down,
                  k.gated,
                  k.out,
                  Into::kAddFloat,
                  config_.hidden,
                  config_.intermediate,
                  n_tokens_);
  auto* const sums = sums_.as<double>();
  autoround_kernels().add_loss(k.out, n, sums + 2, sums, device_.stream());
}

void DeviceBlockGradient::weight_gradient(const void* d,
                                          const void* x,
                                          const ops::DeviceBuffer& gradient,
                                          std::size_t rows,
                                          std::size_t cols,
                                          bool adds) {
  if (gradient.size() == 0) {
    return;
  }
  NIBBLE_CHECK(gradient.size() == rows * cols * sizeof(float), "a gradient of another shape");
  multiply_halves(device_,
                  {.a = d,
                   .b = x,
                   .c = gradient.data(),
                   .a_stride = static_cast<int>(rows),
                   .b_stride = static_cast<int>(cols),
                   .c_stride = static_cast<int>(cols),
                   .a_transposed = true,
                   .rows = static_cast<int>(rows),
                   .k = static_cast<int>(n_tokens_),
                   .cols = static_cast<int>(cols),
                   .float_out = true,
                   .adds = adds});
}

void DeviceBlockGradient::through_weight(const void* d,
                                         const ops::DeviceBuffer& w,
                                         void* y,
                                         std::size_t rows,
                                         std::size_t cols,
                                         bool float_out) {
  multiply_halves(device_,
                  {.a = d,
                   .b = w.data(),
                   .c = y,
                   .a_stride = static_cast<int>(rows),
                   .b_stride = static_cast<int>(cols),
                   .c_stride = static_cast<int>(cols),
                   .rows = static_cast<int>(n_tokens_),
                   .k = static_cast<int>(rows),
                   .cols = static_cast<int>(cols),
                   .float_out = float_out});
}

void DeviceBlockGradient::mlp_backward(const DeviceBlockGradients& gradients, bool adds) {
  const auto& w = block_.weights();
  const Kept& k = kept_;
  const std::size_t hidden = config_.hidden;
  const std::size_t wide = config_.intermediate;
  weight_gradient(k.d, k.gated, gradients.down, hidden, wide, adds);
  HalfBits* const d_gated = k.gated;  // which nobody reads any more
  through_weight(k.d, w.down, d_gated, hidden, wide, false);
  autoround_kernels().gate_backward(k.both,
                                    d_gated,
                                    static_cast<int>(wide),
                                    static_cast<int>(n_tokens_),
                                    config_.activation == ops::GateActivation::kGeluTanh,
                                    device_.stream());
  weight_gradient(k.both, k.mlp_in, gradients.gate_up, 2 * wide, hidden, adds);
  through_weight(k.both, w.gate_up, k.d_normed, 2 * wide, hidden, true);
  autoround_kernels().norm_backward({.x = k.middle,
                                     .weight = w.mlp_norm.as<const float>(),
                                     .d_normed = k.d_normed,
                                     .d = k.out,
                                     .y = k.d,
                                     .n_rows = static_cast<int>(n_tokens_),
                                     .width = static_cast<int>(hidden),
                                     .epsilon = config_.norm_epsilon},
                                    device_.stream());
}

void DeviceBlockGradient::attention_backward(const DeviceBlockGradients& gradients, bool adds) {
  const auto& w = block_.weights();
  const Kept& k = kept_;
  weight_gradient(k.d, k.attended, gradients.o, config_.hidden, q_cols_, adds);
  if (gradients.qkv.size() == 0) {
    return;
  }
  through_weight(k.d, w.o, k.d_attended, config_.hidden, q_cols_, false);
  attention_gradient_.run(
      block_,
      attention_,
      {.qkv = k.qkv, .raw = k.raw, .d_attended = k.d_attended, .d_qkv = k.d_qkv},
      n_tokens_ / window_,
      k.attention);
  weight_gradient(k.d_qkv, k.attention_in, gradients.qkv, qkv_cols_, config_.hidden, adds);
}

void DeviceBlockGradient::backward(float factor, const DeviceBlockGradients& gradients, bool adds) {
  autoround_kernels().scale(
      kept_.out, factor, kept_.d, n_tokens_ * config_.hidden, device_.stream());
  mlp_backward(gradients, adds);
  attention_backward(gradients, adds);
}

}  // namespace nibble::quant
