#include "codec/nf4.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/checked_math.h"
#include "codec/parts.h"

namespace nibble::codec {
namespace {

constexpr std::array kBlocks = {std::size_t{32},
                                std::size_t{64},
                                std::size_t{128},
                                std::size_t{256},
                                std::size_t{512},
                                std::size_t{1024},
                                std::size_t{2048},
                                std::size_t{4096}};

constexpr std::array<float, 16> kNf4Values = {-1.0F,
                                              -0.6961928009986877F,
                                              -0.5250730514526367F,
                                              -0.39491748809814453F,
                                              -0.28444138169288635F,
                                              -0.18477343022823334F,
                                              -0.09105003625154495F,
                                              0.0F,
                                              0.07958029955625534F,
                                              0.16093020141124725F,
                                              0.24611230194568634F,
                                              0.33791524171829224F,
                                              0.44070982933044434F,
                                              0.5626170039176941F,
                                              0.7229568362236023F,
                                              1.0F};

constexpr std::array<float, 8> kFp4Magnitudes = {
    0.0F, 0.0625F / 12.0F, 2.0F / 3.0F, 1.0F, 1.0F / 3.0F, 0.5F, 1.0F / 6.0F, 0.25F};

constexpr std::array<float, 16> make_fp4_values() {
  std::array<float, 16> out{};
  for (std::size_t i = 0; i < 8; ++i) {
    out[i] = kFp4Magnitudes[i];
    out[i + 8] = -kFp4Magnitudes[i];
  }
  return out;
}
constexpr std::array<float, 16> kFp4Values = make_fp4_values();

/// For i = 0 … 6 the midpoints of 2^i equal steps from 0.1 to 1, times 10^(i-6), with both signs;
/// then 0 and 1. The edges are counted from the nearer end, as the reference's linspace does, which
/// decides their last bit.
std::array<float, 256> make_dynamic_map() {
  std::array<float, 256> out{};
  std::size_t n = 0;
  for (int i = 0; i < 7; ++i) {
    const int steps = 1 << i;
    const float step = (1.0F - 0.1F) / static_cast<float>(steps);
    const auto edge = [=](int k) {
      return k < (steps + 1) / 2 ? std::fma(step, static_cast<float>(k), 0.1F)
                                 : std::fma(-step, static_cast<float>(steps - k), 1.0F);
    };
    const auto power = static_cast<float>(std::pow(10.0, i - 6));
    for (int k = 0; k < steps; ++k) {
      const float middle = (edge(k) + edge(k + 1)) / 2.0F;
      out[n++] = power * middle;
      out[n++] = -(power * middle);
    }
  }
  out[n++] = 0.0F;
  out[n++] = 1.0F;
  std::ranges::sort(out);
  return out;
}

std::size_t n_blocks_of(const CodebookFormat& format, std::size_t n) {
  return ceil_div(n, format.block);
}

Result<void> check_finite(const EncodedMatrix& matrix, std::string_view name) {
  const auto values = matrix.part(name)->as<float>();
  const auto bad = std::ranges::find_if_not(values, [](float v) { return std::isfinite(v); });
  if (bad != values.end()) {
    return fail(
        ErrorCode::kCorruptData, "part '{}': element {} is not finite", name, bad - values.begin());
  }
  return {};
}

class CodebookCodec final : public Codec {
 public:
  explicit CodebookCodec(const CodebookFormat& format) : format_(format) {}

  const CodebookFormat& format() const noexcept { return format_; }
  std::string name() const override { return codebook_name(format_); }

  double bits_per_weight(std::size_t rows, std::size_t cols) const override {
    const std::size_t n = rows * cols;
    if (n == 0) {
      return 0;
    }
    const std::size_t n_blocks = n_blocks_of(format_, n);
    const std::size_t scale_bytes =
        format_.nested ? n_blocks + 4 * ceil_div(n_blocks, kNestedBlock) + 4 : 4 * n_blocks;
    return 8.0 * static_cast<double>(ceil_div(n, 2) + scale_bytes) / static_cast<double>(n);
  }

  Result<void> validate(const EncodedMatrix& matrix) const override {
    const auto n = checked_mul(matrix.rows, matrix.cols);
    if (!n) {
      return fail(ErrorCode::kCorruptData, "{} x {} is too large", matrix.rows, matrix.cols);
    }
    if (matrix.parts.size() != (format_.nested ? 4U : 2U)) {
      return fail(ErrorCode::kCorruptData,
                  "{} has the parts codes, absmax{}; found {} parts",
                  name(),
                  format_.nested ? ", nested_absmax, nested_offset" : "",
                  matrix.parts.size());
    }
    const std::size_t n_blocks = n_blocks_of(format_, *n);
    if (auto ok = check_part(matrix, "codes", DType::kU8, {ceil_div(*n, 2)}); !ok) {
      return ok;
    }
    if (auto ok =
            check_part(matrix, "absmax", format_.nested ? DType::kU8 : DType::kF32, {n_blocks});
        !ok) {
      return ok;
    }
    return format_.nested ? check_nested(matrix, n_blocks) : check_finite(matrix, "absmax");
  }

  void decode_rows(const EncodedMatrix& matrix,
                   std::size_t first,
                   std::size_t n,
                   float* out) const override {
    const auto& values = codebook_values(format_.codebook);
    const auto codes = matrix.part("codes")->as<std::uint8_t>();
    const std::size_t end = (first + n) * matrix.cols;
    for (std::size_t i = first * matrix.cols; i < end;) {
      const std::size_t block = i / format_.block;
      const float scale = absmax(matrix, block);
      const std::size_t block_end = std::min(end, (block + 1) * format_.block);
      for (; i < block_end; ++i) {
        *out++ = values[code(codes, i)] * scale;
      }
    }
  }

  std::optional<Grid> grid(const EncodedMatrix& matrix) const override {
    const bool crosses_rows = matrix.cols % format_.block != 0 && matrix.rows > 1;
    if (crosses_rows) {
      return std::nullopt;
    }
    Grid out;
    out.bits = 4;
    out.group = format_.block;
    out.codebook = codebook_values(format_.codebook);
    return out;
  }

  void unpack_row(const EncodedMatrix& matrix,
                  std::size_t row,
                  std::span<std::uint8_t> codes,
                  std::span<float> scales,
                  std::span<float> offsets) const override {
    const auto packed = matrix.part("codes")->as<std::uint8_t>();
    for (std::size_t c = 0; c < matrix.cols; ++c) {
      codes[c] = code(packed, row * matrix.cols + c);
    }
    const std::size_t n_groups = ceil_div(matrix.cols, format_.block);
    for (std::size_t g = 0; g < n_groups; ++g) {
      scales[g] = absmax(matrix, row * n_groups + g);
    }
    std::ranges::fill(offsets, 0.0F);
  }

  float absmax(const EncodedMatrix& matrix, std::size_t block) const {
    const Tensor& stored = *matrix.part("absmax");
    if (!format_.nested) {
      return stored.as<float>()[block];
    }
    const float nested = matrix.part("nested_absmax")->as<float>()[block / kNestedBlock];
    const float offset = matrix.part("nested_offset")->as<float>()[0];
    return dynamic_map()[stored.as<std::uint8_t>()[block]] * nested + offset;
  }

  static std::uint8_t code(std::span<const std::uint8_t> packed, std::size_t i) noexcept {
    const std::uint8_t byte = packed[i / 2];
    return static_cast<std::uint8_t>(i % 2 == 0 ? byte >> 4 : byte & 0xF);
  }

 private:
  Result<void> check_nested(const EncodedMatrix& matrix, std::size_t n_blocks) const {
    if (auto ok =
            check_part(matrix, "nested_absmax", DType::kF32, {ceil_div(n_blocks, kNestedBlock)});
        !ok) {
      return ok;
    }
    if (auto ok = check_part(matrix, "nested_offset", DType::kF32, {1}); !ok) {
      return ok;
    }
    if (auto ok = check_finite(matrix, "nested_absmax"); !ok) {
      return ok;
    }
    return check_finite(matrix, "nested_offset");
  }

  CodebookFormat format_;
};

template <class T>
Tensor vector_tensor(DType dtype, const std::vector<T>& values) {
  return Tensor::from<T>(dtype, {values.size()}, values);
}

/// The unused nibble of an odd number of codes is that of the value 0.
std::uint8_t zero_code(Codebook codebook) {
  return codebook == Codebook::kNf4 ? 7 : 0;
}

Tensor pack_nibbles(std::span<const std::uint8_t> codes, std::uint8_t filler) {
  Tensor out = Tensor::make(DType::kU8, {ceil_div(codes.size(), 2)});
  const auto bytes = out.mutable_as<std::uint8_t>();
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::uint8_t low = 2 * i + 1 < codes.size() ? codes[2 * i + 1] : filler;
    bytes[i] = static_cast<std::uint8_t>(codes[2 * i] << 4 | low);
  }
  return out;
}

}  // namespace

const std::array<float, 16>& codebook_values(Codebook codebook) noexcept {
  return codebook == Codebook::kNf4 ? kNf4Values : kFp4Values;
}

const std::array<float, 256>& dynamic_map() noexcept {
  static const std::array<float, 256> kMap = make_dynamic_map();
  return kMap;
}

std::string codebook_name(const CodebookFormat& format) {
  return fmt::format("{}b{}{}",
                     format.codebook == Codebook::kNf4 ? "nf4" : "fp4",
                     format.block,
                     format.nested ? "dq" : "");
}

std::optional<CodebookFormat> codebook_from_name(std::string_view name) {
  // The grammar has 32 words, so reading one is looking for it.
  for (const Codebook codebook : {Codebook::kNf4, Codebook::kFp4}) {
    for (const std::size_t block : kBlocks) {
      for (const bool nested : {false, true}) {
        const CodebookFormat format{codebook, block, nested};
        if (codebook_name(format) == name) {
          return format;
        }
      }
    }
  }
  return std::nullopt;
}

std::shared_ptr<const Codec> codebook_codec(const CodebookFormat& format) {
  NIBBLE_CHECK(std::ranges::find(kBlocks, format.block) != kBlocks.end(),
               "a codebook format with an unknown block");
  return std::make_shared<const CodebookCodec>(format);
}

const CodebookFormat* codebook_format(const Codec& codec) noexcept {
  const auto* found = dynamic_cast<const CodebookCodec*>(&codec);
  return found != nullptr ? &found->format() : nullptr;
}

EncodedMatrix pack_codebook(const CodebookFormat& format,
                            std::size_t rows,
                            std::size_t cols,
                            const CodebookCodes& codes) {
  const std::size_t n_blocks = n_blocks_of(format, rows * cols);
  NIBBLE_CHECK(codes.codes.size() == rows * cols, "pack_codebook: codes do not fit the matrix");
  NIBBLE_CHECK((format.nested ? codes.absmax_u8.size() : codes.absmax.size()) == n_blocks,
               "pack_codebook: absmax does not fit the matrix");
  EncodedMatrix out;
  out.codec = codebook_codec(format);
  out.rows = rows;
  out.cols = cols;
  out.parts.push_back({"codes", pack_nibbles(codes.codes, zero_code(format.codebook))});
  if (format.nested) {
    out.parts.push_back({"absmax", vector_tensor(DType::kU8, codes.absmax_u8)});
    out.parts.push_back({"nested_absmax", vector_tensor(DType::kF32, codes.nested_absmax)});
    out.parts.push_back(
        {"nested_offset", vector_tensor(DType::kF32, std::vector{codes.nested_offset})});
  } else {
    out.parts.push_back({"absmax", vector_tensor(DType::kF32, codes.absmax)});
  }
  return out;
}

CodebookCodes unpack_codebook(const EncodedMatrix& matrix) {
  const CodebookFormat* format = codebook_format(*matrix.codec);
  NIBBLE_CHECK(format != nullptr, "expected a matrix of a codebook codec");
  const auto copy = [&](std::string_view name, auto type) {
    const auto values = matrix.part(name)->as<decltype(type)>();
    return std::vector<decltype(type)>(values.begin(), values.end());
  };
  CodebookCodes out;
  const auto packed = matrix.part("codes")->as<std::uint8_t>();
  out.codes.resize(matrix.rows * matrix.cols);
  for (std::size_t i = 0; i < out.codes.size(); ++i) {
    out.codes[i] = CodebookCodec::code(packed, i);
  }
  if (format->nested) {
    out.absmax_u8 = copy("absmax", std::uint8_t{});
    out.nested_absmax = copy("nested_absmax", float{});
    out.nested_offset = copy("nested_offset", float{}).front();
  } else {
    out.absmax = copy("absmax", float{});
  }
  return out;
}

}  // namespace nibble::codec
