/// What AWQ's two transforms share: rounding to a codec's nearest codes and back.
///
/// Source     AutoAWQ 0.2.9's `pseudo_quantize_tensor`
#pragma once

#include <algorithm>
#include <span>

#include "codec/int_group.h"
#include "quant/solve/nearest.h"
#include "quant/solve/rounding.h"

namespace nibble::quant {

/// Values of the nearest codes for one group; `out` may be `w`.
inline void round_group(std::span<const float> w,
                        const codec::IntGroupFormat& format,
                        std::span<float> out) {
  const GroupGrid grid = integer_grid(w, format, RangeRule::kRaw);
  const float low = -grid.zero;
  const float high = static_cast<float>(format.max_code()) - grid.zero;
  for (std::size_t i = 0; i < w.size(); ++i) {
    out[i] = round_even(std::clamp(w[i] / grid.scale, low, high)) * grid.scale;
  }
}

/// Groups along a row, in place.
inline void round_row(std::span<float> w, const codec::IntGroupFormat& format) {
  const std::size_t group = format.group_of(w.size());
  for (std::size_t begin = 0; begin < w.size(); begin += group) {
    const auto part = w.subspan(begin, std::min(group, w.size() - begin));
    round_group(part, format, part);
  }
}

/// kUnsupported for codecs without an integer grid; `method` heads the message.
inline Result<void> check_awq_codec(std::string_view method, const codec::Codec& codec) {
  const auto* format = codec::int_group_format(codec);
  if (format != nullptr && format->zero != codec::ZeroKind::kFloat) {
    return {};
  }
  return fail(
      ErrorCode::kUnsupported,
      "transform '{}' does not prepare for codec '{}'; it wants integers with an integer or "
      "middle zero, such as int4g128a",
      method,
      codec.name());
}

}  // namespace nibble::quant
