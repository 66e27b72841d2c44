#include "io/formats/integer_weight.h"

#include <algorithm>
#include <cmath>

#include "tensor/half.h"

namespace nibble::io {
namespace {

/// A zero that is a code; kUnsupported otherwise.
void require_whole_zeros(std::string_view module, const IntegerWeight& weight) {
  const auto max = static_cast<float>(weight.max_code());
  const auto& zeros = weight.codes.zeros;
  const auto bad = std::ranges::find_if_not(
      zeros, [max](float z) { return z >= 0 && z <= max && z == std::floor(z); });
  if (bad != zeros.end()) {
    const auto at = static_cast<std::size_t>(bad - zeros.begin());
    raise(ErrorCode::kUnsupported,
          "{}: the zero of row {}, group {} is {}, not one of the codes 0 to {}: integer formats "
          "cannot hold it exactly",
          module,
          at / weight.n_groups(),
          at % weight.n_groups(),
          *bad,
          weight.max_code());
  }
}

/// zero = -offset / scale. A group of scale 0 is all zeros where its offset is 0 too.
float zero_of(float scale, float offset, float middle) {
  if (scale == 0.0F && offset == 0.0F) {
    return middle;
  }
  const float zero = -offset / scale;
  return zero * scale == -offset ? zero : std::nanf("");
}

IntegerWeight from_grid(const codec::EncodedMatrix& matrix, const codec::Grid& grid) {
  IntegerWeight out = make_integer_weight(matrix.rows, matrix.cols, grid.bits, grid.group);
  const std::size_t n = out.n_groups();
  std::vector<float> offsets(n);
  for (std::size_t r = 0; r < out.rows; ++r) {
    const std::span scales = std::span(out.codes.scales).subspan(r * n, n);
    const std::span codes = std::span(out.codes.codes).subspan(r * out.cols, out.cols);
    matrix.codec->unpack_row(matrix, r, codes, scales, offsets);
    for (std::size_t g = 0; g < n; ++g) {
      out.codes.zeros[r * n + g] =
          zero_of(scales[g], grid.has_offsets ? offsets[g] : 0.0F, out.middle());
    }
  }
  return out;
}

}  // namespace

bool IntegerWeight::is_symmetric() const noexcept {
  return std::ranges::all_of(codes.zeros, [m = middle()](float zero) { return zero == m; });
}

IntegerWeight make_integer_weight(std::size_t rows,
                                  std::size_t cols,
                                  std::size_t bits,
                                  std::size_t group) {
  IntegerWeight out{rows, cols, bits, group, {}};
  out.codes.codes.resize(rows * cols);
  out.codes.scales.resize(rows * out.n_groups());
  out.codes.zeros.assign(rows * out.n_groups(), out.middle());
  return out;
}

IntegerWeight integer_weight(std::string_view module, const codec::EncodedMatrix& matrix) {
  IntegerWeight out;
  if (const codec::IntGroupFormat* format = codec::int_group_format(*matrix.codec)) {
    out = {matrix.rows, matrix.cols, format->bits, format->group, codec::unpack_int_group(matrix)};
  } else {
    const auto grid = matrix.codec->grid(matrix);
    if (!grid || grid->codebook) {
      raise(ErrorCode::kUnsupported,
            "{}: the values of codec {} do not lie on an integer grid",
            module,
            matrix.codec->name());
    }
    out = from_grid(matrix, *grid);
  }
  require_whole_zeros(module, out);
  return out;
}

codec::EncodedMatrix integer_groups(std::string_view module,
                                    const IntegerWeight& weight,
                                    DType parameters) {
  const auto& scales = weight.codes.scales;
  const auto bad = std::ranges::find_if_not(scales, [](float s) { return std::isfinite(s); });
  if (bad != scales.end()) {
    const auto at = static_cast<std::size_t>(bad - scales.begin());
    raise(ErrorCode::kCorruptData,
          "{}: the scale of row {}, group {} is not finite",
          module,
          at / weight.n_groups(),
          at % weight.n_groups());
  }
  const codec::IntGroupFormat format{
      weight.bits,
      weight.group,
      weight.is_symmetric() ? codec::ZeroKind::kMiddle : codec::ZeroKind::kInteger,
      parameters,
      !weight.codes.order.empty()};
  if (!codec::int_group_from_name(codec::int_group_name(format))) {
    raise(ErrorCode::kUnsupported,
          "{}: groups of {} are not read; nibble's are multiples of 8 from 8 to 65536",
          module,
          weight.group);
  }
  return codec::pack_int_group(format, weight.rows, weight.cols, weight.codes);
}

Tensor group_index(const IntegerWeight& weight) {
  Tensor out = Tensor::make(DType::kI32, {weight.cols});
  const auto groups = out.mutable_as<std::int32_t>();
  const auto& order = weight.codes.order;
  for (std::size_t p = 0; p < weight.cols; ++p) {
    groups[order.empty() ? p : order[p]] =
        static_cast<std::int32_t>(weight.group == 0 ? 0 : p / weight.group);
  }
  return out;
}

void set_group_index(std::string_view where,
                     std::span<const std::int32_t> groups,
                     IntegerWeight& weight) {
  const std::size_t n = weight.n_groups();
  std::vector<std::vector<std::uint32_t>> inputs(n);
  bool is_natural = true;
  for (std::uint32_t c = 0; c < groups.size(); ++c) {
    const auto g = static_cast<std::size_t>(groups[c]);
    if (groups[c] < 0 || g >= n) {
      raise(ErrorCode::kCorruptData,
            "{}: input {} lies in group {}, expected 0 to {}",
            where,
            c,
            groups[c],
            n - 1);
    }
    is_natural = is_natural && (weight.group == 0 || g == c / weight.group);
    inputs[g].push_back(c);
  }
  if (is_natural) {
    return;
  }
  for (std::size_t g = 0; g < n; ++g) {
    const std::size_t wanted = std::min(weight.group, weight.cols - g * weight.group);
    if (inputs[g].size() != wanted) {
      raise(ErrorCode::kCorruptData,
            "{}: group {} has {} inputs, expected {}",
            where,
            g,
            inputs[g].size(),
            wanted);
    }
    weight.codes.order.insert(weight.codes.order.end(), inputs[g].begin(), inputs[g].end());
  }
}

void require_natural_order(std::string_view module,
                           const IntegerWeight& weight,
                           std::string_view format) {
  if (!weight.codes.order.empty()) {
    raise(ErrorCode::kUnsupported,
          "{}: the groups follow an activation order; those of {} are runs of neighbouring inputs",
          module,
          format);
  }
}

void require_half_scales(std::string_view module, const IntegerWeight& weight) {
  const auto& scales = weight.codes.scales;
  const auto bad = std::ranges::find_if_not(
      scales, [](float s) { return f16_to_f32(f32_to_f16(s)) == s && std::isfinite(s); });
  if (bad != scales.end()) {
    raise(ErrorCode::kUnsupported,
          "{}: scale {:.9g} is no float16, which the format stores; quantize with a codec whose "
          "name ends in 'h', such as {}",
          module,
          *bad,
          codec::int_group_name(
              {weight.bits,
               weight.group,
               weight.is_symmetric() ? codec::ZeroKind::kMiddle : codec::ZeroKind::kInteger,
               DType::kF16}));
  }
}

void CommonGrid::add(std::string_view module, const IntegerWeight& weight) {
  if (first_.empty()) {
    first_ = module;
    bits_ = weight.bits;
    group_ = weight.group;
  }
  if (weight.bits != bits_ || weight.group != group_) {
    raise(ErrorCode::kUnsupported,
          "{} has {} bits in groups of {}, {} has {} in groups of {}; the format's settings state "
          "one of each for all",
          module,
          weight.bits,
          weight.group == 0 ? weight.cols : weight.group,
          first_,
          bits_,
          group_ == 0 ? "whole rows" : std::to_string(group_));
  }
  is_symmetric_ = is_symmetric_ && weight.is_symmetric();
  is_permuted_ = is_permuted_ || !weight.codes.order.empty();
}

std::size_t group_from_setting(std::int64_t group_size) {
  if (group_size == 0 || group_size < -1) {
    raise(ErrorCode::kCorruptData,
          "quantization_config: 'group_size': wanted -1 or a number above 0, found {}",
          group_size);
  }
  return group_size == -1 ? 0 : static_cast<std::size_t>(group_size);
}

DType read_scales(const Tensor& scales, bool by_row, IntegerWeight& weight) {
  const std::vector<float> values = to_f32(scales);
  const std::size_t n = weight.n_groups();
  for (std::size_t r = 0; r < weight.rows; ++r) {
    for (std::size_t g = 0; g < n; ++g) {
      weight.codes.scales[r * n + g] = values[by_row ? r * n + g : g * weight.rows + r];
    }
  }
  return scales.dtype() == DType::kF16 ? DType::kF16 : DType::kF32;
}

Tensor half_scales(const IntegerWeight& weight, bool by_row) {
  const std::size_t n = weight.n_groups();
  Tensor out = Tensor::make(DType::kF16, by_row ? Shape{weight.rows, n} : Shape{n, weight.rows});
  const auto values = out.mutable_as<std::uint16_t>();
  for (std::size_t r = 0; r < weight.rows; ++r) {
    for (std::size_t g = 0; g < n; ++g) {
      values[by_row ? r * n + g : g * weight.rows + r] = f32_to_f16(weight.codes.scales[r * n + g]);
    }
  }
  return out;
}

}  // namespace nibble::io
