#include "codec/int_group.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <tuple>

#include "base/checked_math.h"
#include "codec/bit_stream.h"
#include "codec/parts.h"
#include "tensor/half.h"

namespace nibble::codec {
namespace {

constexpr std::size_t kMinGroup = 8;
constexpr std::size_t kMaxGroup = 65536;
constexpr float kLargestHalf = 65504.0F;

float load_parameter(const Tensor& tensor, std::size_t i) {
  switch (tensor.dtype()) {
    case DType::kF32:
      return tensor.as<float>()[i];
    case DType::kF16:
      return f16_to_f32(tensor.as<std::uint16_t>()[i]);
    default:
      return static_cast<float>(tensor.as<std::uint8_t>()[i]);
  }
}

Tensor store_parameters(std::span<const float> values, DType dtype, Shape shape) {
  Tensor out = Tensor::make(dtype, std::move(shape));
  if (dtype == DType::kF32) {
    std::ranges::copy(values, out.mutable_as<float>().begin());
  } else if (dtype == DType::kF16) {
    std::ranges::transform(values, out.mutable_as<std::uint16_t>().begin(), [](float v) {
      return f32_to_f16(stored_parameter(v, DType::kF16));
    });
  } else {
    std::ranges::transform(values, out.mutable_as<std::uint8_t>().begin(), [](float v) {
      return static_cast<std::uint8_t>(v);
    });
  }
  return out;
}

Result<void> check_finite(std::string_view part, const Tensor& tensor) {
  for (std::size_t i = 0; i < tensor.size(); ++i) {
    if (!std::isfinite(load_parameter(tensor, i))) {
      return fail(ErrorCode::kCorruptData, "part '{}': element {} is not finite", part, i);
    }
  }
  return {};
}

class IntGroup final : public Codec {
 public:
  explicit IntGroup(const IntGroupFormat& format) : format_(format) {}

  const IntGroupFormat& format() const noexcept { return format_; }
  std::string name() const override { return int_group_name(format_); }

  double bits_per_weight(std::size_t rows, std::size_t cols) const override {
    if (rows == 0 || cols == 0) {
      return 0;
    }
    const std::size_t group_bytes =
        dtype_bytes(format_.parameters) + (has_zeros() ? dtype_bytes(zeros_dtype()) : 0);
    const std::size_t row_bytes =
        packed_bytes(cols, format_.bits) + format_.n_groups(cols) * group_bytes;
    const double order_bits =
        format_.is_permuted ? 8.0 * sizeof(std::int32_t) / static_cast<double>(rows) : 0.0;
    return 8.0 * static_cast<double>(row_bytes) / static_cast<double>(cols) + order_bits;
  }

  Result<void> validate(const EncodedMatrix& matrix) const override {
    if (matrix.parts.size() != 2U + (has_zeros() ? 1U : 0U) + (format_.is_permuted ? 1U : 0U)) {
      return fail(ErrorCode::kCorruptData,
                  "{} has the parts codes, scales{}{}; found {} parts",
                  name(),
                  has_zeros() ? ", zeros" : "",
                  format_.is_permuted ? ", order" : "",
                  matrix.parts.size());
    }
    const Shape groups{matrix.rows, format_.n_groups(matrix.cols)};
    if (auto ok = check_part(
            matrix, "codes", DType::kU8, {matrix.rows, packed_bytes(matrix.cols, format_.bits)});
        !ok) {
      return ok;
    }
    if (auto ok = check_part(matrix, "scales", format_.parameters, groups); !ok) {
      return ok;
    }
    if (auto ok = check_finite("scales", *matrix.part("scales")); !ok) {
      return ok;
    }
    if (format_.is_permuted) {
      if (auto ok = check_order(matrix); !ok) {
        return ok;
      }
    }
    return has_zeros() ? check_zeros(matrix, groups) : Result<void>{};
  }

  void decode_rows(const EncodedMatrix& matrix,
                   std::size_t first,
                   std::size_t n,
                   float* out) const override {
    std::vector<std::uint8_t> codes(matrix.cols);
    const std::size_t group = format_.group_of(matrix.cols);
    const auto order = order_of(matrix);
    for (std::size_t r = first; r < first + n; ++r, out += matrix.cols) {
      unpack_row_codes(matrix, r, codes);
      for (std::size_t g = 0, begin = 0; begin < matrix.cols; ++g, begin += group) {
        const auto [scale, zero] = parameters(matrix, r, g);
        const std::size_t end = std::min(begin + group, matrix.cols);
        for (std::size_t c = begin; c < end; ++c) {
          out[order.empty() ? c : static_cast<std::size_t>(order[c])] =
              scale * (static_cast<float>(codes[c]) - zero);
        }
      }
    }
  }

  std::optional<Grid> grid(const EncodedMatrix& matrix) const override {
    Grid out;
    out.bits = format_.bits;
    out.group = format_.group_of(matrix.cols);
    out.has_offsets = true;
    out.order = order_of(matrix);
    return out;
  }

  void unpack_row(const EncodedMatrix& matrix,
                  std::size_t row,
                  std::span<std::uint8_t> codes,
                  std::span<float> scales,
                  std::span<float> offsets) const override {
    unpack_row_codes(matrix, row, codes);
    for (std::size_t g = 0; g < format_.n_groups(matrix.cols); ++g) {
      const auto [scale, zero] = parameters(matrix, row, g);
      scales[g] = scale;
      offsets[g] = -scale * zero;
    }
  }

  /// Scale and zero of one group.
  std::pair<float, float> parameters(const EncodedMatrix& matrix,
                                     std::size_t row,
                                     std::size_t g) const {
    const std::size_t at = row * format_.n_groups(matrix.cols) + g;
    const float zero = has_zeros() ? load_parameter(*matrix.part("zeros"), at)
                                   : static_cast<float>(format_.middle());
    return {load_parameter(*matrix.part("scales"), at), zero};
  }

  void unpack_row_codes(const EncodedMatrix& matrix,
                        std::size_t row,
                        std::span<std::uint8_t> codes) const {
    const std::size_t row_bytes = packed_bytes(matrix.cols, format_.bits);
    const auto bytes = matrix.part("codes")->as<std::uint8_t>().subspan(row * row_bytes, row_bytes);
    unpack_codes(bytes, format_.bits, codes.first(matrix.cols));
  }

  /// The input at each place; empty when they are as they are.
  std::span<const std::int32_t> order_of(const EncodedMatrix& matrix) const {
    return format_.is_permuted ? matrix.part("order")->as<std::int32_t>()
                               : std::span<const std::int32_t>();
  }

  bool has_zeros() const noexcept { return format_.zero != ZeroKind::kMiddle; }
  DType zeros_dtype() const noexcept {
    return format_.zero == ZeroKind::kInteger ? DType::kU8 : format_.parameters;
  }

 private:
  static Result<void> check_order(const EncodedMatrix& matrix) {
    if (auto ok = check_part(matrix, "order", DType::kI32, {matrix.cols}); !ok) {
      return ok;
    }
    const auto order = matrix.part("order")->as<std::int32_t>();
    std::vector<bool> is_seen(matrix.cols);
    for (std::size_t p = 0; p < order.size(); ++p) {
      const auto input = static_cast<std::size_t>(order[p]);
      if (order[p] < 0 || input >= matrix.cols || is_seen[input]) {
        return fail(ErrorCode::kCorruptData,
                    "part 'order': element {} is {}, expected each of the {} inputs once",
                    p,
                    order[p],
                    matrix.cols);
      }
      is_seen[input] = true;
    }
    return {};
  }

  Result<void> check_zeros(const EncodedMatrix& matrix, const Shape& groups) const {
    if (auto ok = check_part(matrix, "zeros", zeros_dtype(), groups); !ok) {
      return ok;
    }
    const Tensor& zeros = *matrix.part("zeros");
    if (format_.zero == ZeroKind::kFloat) {
      return check_finite("zeros", zeros);
    }
    const auto values = zeros.as<std::uint8_t>();
    const auto bad =
        std::ranges::find_if(values, [&](std::uint8_t z) { return z > format_.max_code(); });
    if (bad != values.end()) {
      return fail(ErrorCode::kCorruptData,
                  "part 'zeros': element {} is {}, expected at most {}",
                  bad - values.begin(),
                  *bad,
                  format_.max_code());
    }
    return {};
  }

  IntGroupFormat format_;
};

const IntGroup& as_int_group(const EncodedMatrix& matrix) {
  const auto* codec = dynamic_cast<const IntGroup*>(matrix.codec.get());
  NIBBLE_CHECK(codec != nullptr, "expected a matrix of an integer-group codec");
  return *codec;
}

/// Takes a number off the front of `text`.
std::optional<std::size_t> take_number(std::string_view& text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || text.front() == '0') {
    return std::nullopt;
  }
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) {
    return false;
  }
  text.remove_prefix(prefix.size());
  return true;
}

std::optional<ZeroKind> take_zero(std::string_view& text) {
  if (take(text, "s")) {
    return ZeroKind::kMiddle;
  }
  if (take(text, "a")) {
    return ZeroKind::kInteger;
  }
  return take(text, "f") ? std::optional(ZeroKind::kFloat) : std::nullopt;
}

}  // namespace

std::size_t IntGroupFormat::n_groups(std::size_t cols) const noexcept {
  return cols == 0 ? 0 : ceil_div(cols, group_of(cols));
}

std::string int_group_name(const IntGroupFormat& format) {
  constexpr std::string_view kZeros = "saf";
  return fmt::format("int{}{}{}{}{}",
                     format.bits,
                     format.group == 0 ? std::string("c") : fmt::format("g{}", format.group),
                     format.is_permuted ? "p" : "",
                     kZeros[static_cast<std::size_t>(format.zero)],
                     format.parameters == DType::kF16 ? "h" : "");
}

std::optional<IntGroupFormat> int_group_from_name(std::string_view name) {
  IntGroupFormat out;
  if (!take(name, "int")) {
    return std::nullopt;
  }
  const auto bits = take_number(name);
  if (!bits || *bits < 2 || *bits > 8) {
    return std::nullopt;
  }
  out.bits = *bits;
  if (take(name, "c")) {
    out.group = 0;
  } else {
    const auto group = take(name, "g") ? take_number(name) : std::nullopt;
    if (!group || *group < kMinGroup || *group > kMaxGroup || *group % kMinGroup != 0) {
      return std::nullopt;
    }
    out.group = *group;
    out.is_permuted = take(name, "p");
  }
  const auto zero = take_zero(name);
  if (!zero) {
    return std::nullopt;
  }
  out.zero = *zero;
  out.parameters = take(name, "h") ? DType::kF16 : DType::kF32;
  return name.empty() ? std::optional(out) : std::nullopt;
}

std::shared_ptr<const Codec> int_group_codec(const IntGroupFormat& format) {
  NIBBLE_CHECK(int_group_from_name(int_group_name(format)) == format,
               "an integer-group format outside its grammar");
  return std::make_shared<const IntGroup>(format);
}

const IntGroupFormat* int_group_format(const Codec& codec) noexcept {
  const auto* int_group = dynamic_cast<const IntGroup*>(&codec);
  return int_group != nullptr ? &int_group->format() : nullptr;
}

EncodedMatrix pack_int_group(const IntGroupFormat& format,
                             std::size_t rows,
                             std::size_t cols,
                             const IntGroupCodes& codes) {
  const std::size_t n_groups = format.n_groups(cols);
  NIBBLE_CHECK(codes.codes.size() == rows * cols && codes.scales.size() == rows * n_groups &&
                   codes.zeros.size() == rows * n_groups &&
                   codes.order.size() == (format.is_permuted ? cols : 0),
               "pack_int_group: sizes do not fit the matrix");
  const auto codec = std::make_shared<const IntGroup>(format);
  const std::size_t row_bytes = packed_bytes(cols, format.bits);
  Tensor packed = Tensor::make(DType::kU8, {rows, row_bytes});
  const auto bytes = packed.mutable_as<std::uint8_t>();
  std::vector<std::uint8_t> by_place(cols);
  for (std::size_t r = 0; r < rows; ++r) {
    const auto row = std::span(codes.codes).subspan(r * cols, cols);
    for (std::size_t p = 0; p < codes.order.size(); ++p) {
      by_place[p] = row[codes.order[p]];
    }
    pack_codes(format.is_permuted ? std::span<const std::uint8_t>(by_place) : row,
               format.bits,
               bytes.subspan(r * row_bytes, row_bytes));
  }
  EncodedMatrix out;
  out.codec = codec;
  out.rows = rows;
  out.cols = cols;
  out.parts.push_back({"codes", std::move(packed)});
  out.parts.push_back(
      {"scales", store_parameters(codes.scales, format.parameters, {rows, n_groups})});
  if (codec->has_zeros()) {
    out.parts.push_back(
        {"zeros", store_parameters(codes.zeros, codec->zeros_dtype(), {rows, n_groups})});
  }
  if (format.is_permuted) {
    const std::vector<std::int32_t> order(codes.order.begin(), codes.order.end());
    out.parts.push_back({"order", Tensor::from<std::int32_t>(DType::kI32, {cols}, order)});
  }
  return out;
}

IntGroupCodes unpack_int_group(const EncodedMatrix& matrix) {
  const IntGroup& codec = as_int_group(matrix);
  const std::size_t n_groups = codec.format().n_groups(matrix.cols);
  IntGroupCodes out;
  out.codes.resize(matrix.rows * matrix.cols);
  out.scales.resize(matrix.rows * n_groups);
  out.zeros.resize(matrix.rows * n_groups);
  const auto order = codec.order_of(matrix);
  out.order.assign(order.begin(), order.end());
  std::vector<std::uint8_t> by_place(matrix.cols);
  for (std::size_t r = 0; r < matrix.rows; ++r) {
    codec.unpack_row_codes(matrix, r, by_place);
    const auto row = std::span(out.codes).subspan(r * matrix.cols, matrix.cols);
    for (std::size_t p = 0; p < matrix.cols; ++p) {
      row[out.order.empty() ? p : out.order[p]] = by_place[p];
    }
    for (std::size_t g = 0; g < n_groups; ++g) {
      const std::size_t at = r * n_groups + g;
      std::tie(out.scales[at], out.zeros[at]) = codec.parameters(matrix, r, g);
    }
  }
  return out;
}

float stored_parameter(float value, DType dtype) noexcept {
  if (dtype != DType::kF16) {
    return value;
  }
  return f16_to_f32(f32_to_f16(std::clamp(value, -kLargestHalf, kLargestHalf)));
}

}  // namespace nibble::codec
