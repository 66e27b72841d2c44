#include "quant/kv/fit_tables.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "quant/kv/fit_levels.h"

namespace nibble::quant {
namespace {

void add(LevelFit& fit, const codec::KvSpan& span, float x, double importance) noexcept {
  if (span.half > 0) {
    const double half = span.half;
    fit.add((double{x} - double{span.middle}) / half, half * half * importance);
  }
}

double importance_at(MatrixView<const float> importance, std::size_t token, std::size_t i) {
  return importance.data == nullptr ? 1.0 : double{importance(token, i)};
}

void require_sound(MatrixView<const float> x, const char* what, const KvWindows& windows) {
  if (x.rows == 0 || windows.window <= windows.n_sinks) {
    raise(ErrorCode::kInvalidArgument, "calibration of {}: no tokens behind the first", what);
  }
  for (std::size_t row = 0; row < x.rows; ++row) {
    if (!std::ranges::all_of(x.row_span(row), [](float y) { return std::isfinite(y); })) {
      raise(ErrorCode::kCorruptData, "calibration: {} that are not finite", what);
    }
  }
}

}  // namespace

std::vector<codec::KvLimits> key_limits(MatrixView<const float> k, const KvWindows& windows) {
  std::vector<codec::KvLimits> out;
  std::vector<float> channel;
  for (std::size_t i = 0; i < k.cols; ++i) {
    channel.clear();
    for (std::size_t token = 0; token < k.rows; ++token) {
      if (!windows.is_sink(token)) {
        channel.push_back(k(token, i));
      }
    }
    std::ranges::sort(channel);
    out.push_back({codec::quantile(channel, codec::kKvOutlierShare / 2),
                   codec::quantile(channel, 1.0 - codec::kKvOutlierShare / 2)});
  }
  return out;
}

std::vector<float> key_levels(MatrixView<const float> k,
                              std::span<const codec::KvLimits> limits,
                              const KvWindows& windows,
                              std::size_t bits,
                              MatrixView<const float> importance) {
  LevelFit fit;
  for (std::size_t token = 0; token < k.rows; ++token) {
    for (std::size_t i = 0; i < k.cols && !windows.is_sink(token); ++i) {
      if (!codec::is_outside(limits[i], k(token, i))) {
        add(fit, limits[i].span(), k(token, i), importance_at(importance, token, i));
      }
    }
  }
  return fit.levels(bits);
}

std::vector<float> value_levels(MatrixView<const float> v,
                                const KvWindows& windows,
                                std::size_t bits,
                                MatrixView<const float> importance) {
  LevelFit fit;
  for (std::size_t token = 0; token < v.rows; ++token) {
    if (windows.is_sink(token)) {
      continue;
    }
    const codec::TokenLimits found = codec::limits_of_token(v.row_span(token));
    for (std::size_t i = 0; i < v.cols; ++i) {
      if (!codec::is_outside(found.limits, v(token, i))) {
        add(fit, found.limits.span(), v(token, i), importance_at(importance, token, i));
      }
    }
  }
  return fit.levels(bits);
}

codec::KvTables fit_kv_tables(MatrixView<const float> k,
                              MatrixView<const float> v,
                              const KvWindows& windows,
                              std::size_t bits,
                              const KvImportance& importance) {
  require_sound(k, "keys", windows);
  require_sound(v, "values", windows);
  if (importance.keys.data != nullptr) {
    require_sound(importance.keys, "gradients of keys", windows);
    require_sound(importance.values, "gradients of values", windows);
  }
  codec::KvTables out;
  out.key_limits = key_limits(k, windows);
  out.key_levels = key_levels(k, out.key_limits, windows, bits, importance.keys);
  out.value_levels = value_levels(v, windows, bits, importance.values);
  return codec::complete_tables(std::move(out));
}

}  // namespace nibble::quant
