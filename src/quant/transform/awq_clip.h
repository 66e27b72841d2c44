/// AWQ's clipping: the widest weights of a group are cut where finer steps are worth more.
///
///   for each row and group of v, o, gate, up, down, with x the inputs of the group:
///     for i = 0 … 9:  c = max|w| * (1 - i/20);   error = mean (x . (Q(clamp(w, -c, c)) - w))^2
///     the c with the least error, the first of equals:  w = clamp(w, -c, c)
///
/// The error comes from the group's second moment H of x: d H d^T with d the difference. q and k
/// are left alone, since errors of attention scores are not errors of outputs.
///
/// Shapes     limits [rows, n_groups] by layer
/// Requires   codecs with an integer zero or a middle zero
/// Precision  float32; second moments and errors in float64
/// Source     AutoAWQ 0.2.9's `_compute_best_clip`, which looks at up to 1023 tokens; here all
/// count
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "quant/transform.h"

namespace nibble::quant {

/// The limits tried, as shares of the widest weight.
inline constexpr std::size_t kAwqClipSteps = 10;
constexpr float awq_clip_share(std::size_t i) noexcept {
  return 1.0F - static_cast<float>(i) / 20.0F;
}
/// Whether the layer is clipped: "mlp.up_proj.weight" is.
bool is_awq_clipped(std::string_view name) noexcept;

/// Clips the block in place; the limits by the name of the layer.
std::map<std::string, std::vector<float>> awq_clip(const TransformInput& input, ThreadPool& pool);

/// The transform "awq_clip"; no settings.
std::unique_ptr<Transform> make_awq_clip(TomlTable& stage);

}  // namespace nibble::quant
