#include "io/formats/awq.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "io/formats/integer_weight.h"
#include "io/formats/settings.h"

namespace nibble::io {
namespace {

constexpr std::array<std::string_view, 3> kSuffixes = {"qweight", "qzeros", "scales"};
constexpr std::array<std::string_view, 1> kTargets = {"awq"};
constexpr std::array kWords = {DType::kI32};
constexpr std::array kFloats = {DType::kF16, DType::kBF16, DType::kF32};
constexpr std::size_t kBits = 4;
constexpr std::size_t kPerWord = 8;
/// The output, of the word's eight, that nibble i holds.
constexpr std::array<std::size_t, kPerWord> kOrder = {0, 2, 4, 6, 1, 3, 5, 7};

/// Calls `f(i, output, code)` for each of the rows x cols codes: row i of `words`, then outputs.
template <class F>
void for_each_code(const Tensor& words, F f) {
  const std::size_t n_words = words.shape()[1];
  const auto data = words.as<std::uint32_t>();
  for (std::size_t i = 0; i < words.shape()[0]; ++i) {
    for (std::size_t w = 0; w < n_words; ++w) {
      for (std::size_t n = 0; n < kPerWord; ++n) {
        f(i, kPerWord * w + kOrder[n], (data[i * n_words + w] >> (kBits * n)) & 0xFU);
      }
    }
  }
}

/// The inverse: `code(i, output)` fills [n, rows / 8].
template <class F>
Tensor pack(std::size_t n, std::size_t rows, F code) {
  const std::size_t n_words = rows / kPerWord;
  Tensor out = Tensor::make(DType::kI32, {n, n_words});
  const auto data = out.mutable_as<std::uint32_t>();
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t w = 0; w < n_words; ++w) {
      for (std::size_t k = 0; k < kPerWord; ++k) {
        data[i * n_words + w] |= std::uint32_t{code(i, kPerWord * w + kOrder[k])} << (kBits * k);
      }
    }
  }
  return out;
}

void require_dividing_groups(std::string_view module, std::size_t group, std::size_t cols) {
  if (group != 0 && cols % group != 0) {
    raise(ErrorCode::kUnsupported,
          "{}: groups of {} do not divide {} inputs, as AWQ files want it",
          module,
          group,
          cols);
  }
}

class AwqReader final : public PackedReader {
 public:
  explicit AwqReader(const Json& settings)
      : group_(group_from_setting(int_setting_or(
            settings, "group_size", int_setting_or(settings, "q_group_size", 128)))) {
    const auto bits = int_setting_or(settings, "bits", int_setting_or(settings, "w_bit", kBits));
    if (bits != kBits) {
      raise(ErrorCode::kUnsupported,
            "quantization_config: AWQ with {} bits is not read, only 4",
            bits);
    }
    std::string version = text_setting_or(settings, "version", "gemm");
    std::ranges::transform(version, version.begin(), [](char c) {
      return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    if (version != "gemm") {
      raise(ErrorCode::kUnsupported,
            "quantization_config: 'version': '{}' is not read, only gemm",
            version);
    }
    if (!flag_setting_or(settings, "zero_point", true)) {
      raise(ErrorCode::kUnsupported, "quantization_config: AWQ without zero_point is not read");
    }
  }

  std::span<const std::string_view> suffixes() const noexcept override { return kSuffixes; }

  codec::EncodedMatrix read(const PackedTensors& tensors) const override {
    const Tensor& qweight = tensors.require("qweight", kWords, 2);
    const Tensor& qzeros = tensors.require("qzeros", kWords, 2);
    const Tensor& scales = tensors.require("scales", kFloats, 2);
    const std::size_t rows = qweight.shape()[1] * kPerWord;
    const std::size_t cols = qweight.shape()[0];
    require_dividing_groups(tensors.module, group_, cols);
    tensors.require_shape("qzeros", {n_groups_of(cols, group_), qweight.shape()[1]});
    tensors.require_shape("scales", {n_groups_of(cols, group_), rows});
    IntegerWeight weight = make_integer_weight(rows, cols, kBits, group_);
    for_each_code(qweight, [&](std::size_t c, std::size_t r, std::uint32_t code) {
      weight.codes.codes[r * weight.cols + c] = static_cast<std::uint8_t>(code);
    });
    for_each_code(qzeros, [&](std::size_t g, std::size_t r, std::uint32_t code) {
      weight.codes.zeros[r * weight.n_groups() + g] = static_cast<float>(code);
    });
    const DType parameters = read_scales(scales, false, weight);
    return integer_groups(tensors.module, weight, parameters);
  }

 private:
  std::size_t group_;
};

class AwqWriter final : public PackedWriter {
 public:
  PackedTensors write(std::string_view module, const codec::EncodedMatrix& matrix) override {
    const IntegerWeight weight = integer_weight(module, matrix);
    require_natural_order(module, weight, "AWQ files");
    if (weight.bits != kBits || weight.rows % kPerWord != 0) {
      raise(ErrorCode::kUnsupported,
            "{}: {} outputs of {} bits; AWQ files have 4 bits and multiples of 8 outputs",
            module,
            weight.rows,
            weight.bits);
    }
    require_dividing_groups(module, weight.group, weight.cols);
    require_half_scales(module, weight);
    grid_.add(module, weight);
    const std::size_t n = weight.n_groups();
    return {std::string(module),
            {{"qweight",
              pack(weight.cols,
                   weight.rows,
                   [&](std::size_t c, std::size_t r) {
                     return weight.codes.codes[r * weight.cols + c];
                   })},
             {"qzeros",
              pack(n,
                   weight.rows,
                   [&](std::size_t g, std::size_t r) {
                     return static_cast<std::uint8_t>(weight.codes.zeros[r * n + g]);
                   })},
             {"scales", half_scales(weight, false)}}};
  }

  void skip(std::string_view module) override { plain_.push_back(module); }

  Json settings() const override {
    return {{"quant_method", "awq"},
            {"version", "gemm"},
            {"bits", kBits},
            {"group_size", grid_.group_setting()},
            {"zero_point", true},
            {"modules_to_not_convert", plain_.empty() ? Json(nullptr) : plain_}};
  }

 private:
  CommonGrid grid_;
  Json plain_ = Json::array();
};

}  // namespace

PackedFormat awq_format() {
  return {"awq",
          kTargets,
          "",
          [](const Json& settings) -> std::unique_ptr<PackedReader> {
            return std::make_unique<AwqReader>(settings);
          },
          [](std::string_view /*target*/) -> std::unique_ptr<PackedWriter> {
            return std::make_unique<AwqWriter>();
          }};
}

}  // namespace nibble::io
