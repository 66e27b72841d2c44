/// SmoothQuant: what makes the inputs of q, k, v and of gate, up loses its outlying channels, and
/// their weights gain them, so that both round well.
///
///   s[k] = max(max |x[k]|^alpha / max |w[k]|^(1 - alpha), 1e-5)
///   w[k] *= s[k] in all layers that read x;  norm[k] /= s[k]
///
/// The maxima are over the calibration tokens and over the rows of all those layers, the latter at
/// least 1e-5. Inputs of o and down stay as they are.
///
/// Precision  float32
/// Errors     kUnsupported for activations that are not finite
/// Source     Xiao et al. 2023, arXiv 2211.10438; the floors are those of its code
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "quant/transform.h"

namespace nibble::quant {

/// s of each input from both maxima.
std::vector<float> smoothing_scales(std::span<const float> activation_max,
                                    std::span<const float> weight_max,
                                    float alpha);

/// The transform "smooth". Setting: alpha = 0.5, from 0 to 1.
std::unique_ptr<Transform> make_smooth(TomlTable& stage);

}  // namespace nibble::quant
