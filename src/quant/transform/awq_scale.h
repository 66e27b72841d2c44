/// AWQ's scaling: inputs that are large get finer steps. What a group of linear layers gains by
/// columns, the producer of their inputs loses by rows.
///
///   group           producer                 judged by the output of
///   q, k, v         norm before attention    attention branch
///   o               v, unless heads share it o
///   gate, up        norm before the MLP      MLP branch
///   down            up                       down
///
///   m[k] = mean |x[k]|;   a[k] = mean over all rows of the group of |w[k]| / (its group's max +
///   1e-6) for r = 0, 1/20, … 19/20:   s = max(m^r / (a^(1-r) + 1e-4), 1e-4);  s /= sqrt(max s *
///   min s)
///     error = mean (f(x; w) - f(x; Q(w s) / s))^2
///   the s with the least error:  w *= s, producer /= s
///
/// o and down stay as they are where their inputs are rotated while the model runs.
/// Outputs of branches are compared over the first windows of the text alone where it is longer
/// than kAwqSearchTokens, or as search_windows says; means always count all.
///
/// Q rounds to the nearest code of the layer's codec in AWQ's grid (range "raw"). For a single
/// layer the error comes from the second moment of x: sum of d H d^T / (tokens * rows).
///
/// Requires   codecs with an integer zero or a middle zero
/// Precision  float32; means and errors in float64
/// Source     Lin et al. 2023, arXiv 2306.00978; the details are AutoAWQ 0.2.9's
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "quant/transform.h"

namespace nibble::quant {

inline constexpr std::size_t kAwqRatios = 20;
/// AutoAWQ's usual text: 128 windows of 512 tokens.
inline constexpr std::size_t kAwqSearchTokens = 65'536;

struct AwqScaleSettings {
  /// At most so many are compared, 0: all; without it those of kAwqSearchTokens tokens.
  std::optional<std::size_t> search_windows = {};
};

struct AwqScale {
  Site site = Site::kAttentionIn;
  std::size_t best = 0;        ///< r = best / 20
  std::vector<double> errors;  ///< of each r
  std::vector<float> scales;   ///< of each input
};

/// Whether a transform that runs between the producer and the site mixes columns: factors of the
/// one are none of the other then.
bool is_mixed(const model::Runtime& runtime, Site site) noexcept;

/// s of a ratio from both means, for AWQ's search.
std::vector<float> awq_scales(std::span<const float> abs_mean,
                              std::span<const float> sizes,
                              float ratio);

/// Scales the block in place; what it did, in the order of the groups.
std::vector<AwqScale> awq_scale(const TransformInput& input,
                                ThreadPool& pool,
                                const AwqScaleSettings& settings = {});

/// Tokens that a search compares, whole windows.
std::size_t awq_search_tokens(const AwqScaleSettings& settings,
                              std::size_t n_tokens,
                              std::size_t window) noexcept;

/// The transform "awq_scale". Setting: search_windows.
std::unique_ptr<Transform> make_awq_scale(TomlTable& stage);

}  // namespace nibble::quant
