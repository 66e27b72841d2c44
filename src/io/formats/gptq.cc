#include "io/formats/gptq.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <nlohmann/json.hpp>

#include "codec/bit_stream.h"
#include "io/formats/integer_weight.h"
#include "io/formats/settings.h"

namespace nibble::io {
namespace {

constexpr std::array<std::string_view, 4> kSuffixes = {"qweight", "qzeros", "scales", "g_idx"};
constexpr std::array<std::string_view, 2> kTargets = {"gptq", "gptq_v2"};
constexpr std::array kWords = {DType::kI32};
constexpr std::array kFloats = {DType::kF16, DType::kBF16, DType::kF32};
constexpr std::size_t kWordBits = 32;

bool is_width(std::size_t bits) {
  return bits == 2 || bits == 3 || bits == 4 || bits == 8;
}

/// What the shapes of a module say.
struct Sizes {
  std::size_t rows, cols, bits;
};

Sizes sizes_of(const PackedTensors& tensors) {
  const Shape qweight = tensors.require("qweight", kWords, 2).shape();
  const Shape qzeros = tensors.require("qzeros", kWords, 2).shape();
  const std::size_t rows = qweight[1];
  const std::size_t bits = qzeros[1] * kWordBits / rows;
  if (!is_width(bits) || rows * bits != qzeros[1] * kWordBits ||
      qweight[0] * kWordBits % bits != 0) {
    raise(ErrorCode::kShapeMismatch,
          "{}: qweight {} and qzeros {} are not of one width of 2, 3, 4 or 8 bits",
          tensors.module,
          shape_text(qweight),
          shape_text(qzeros));
  }
  return {rows, qweight[0] * kWordBits / bits, bits};
}

void read_codes(const Tensor& qweight, IntegerWeight& weight) {
  const std::size_t n_words = qweight.shape()[0];
  const auto words = qweight.as<std::uint32_t>();
  std::vector<std::uint32_t> stream(n_words);
  for (std::size_t r = 0; r < weight.rows; ++r) {
    for (std::size_t w = 0; w < n_words; ++w) {
      stream[w] = words[w * weight.rows + r];
    }
    const auto bytes = std::as_bytes(std::span(stream));
    codec::unpack_codes({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()},
                        weight.bits,
                        std::span(weight.codes.codes).subspan(r * weight.cols, weight.cols));
  }
}

Tensor write_codes(const IntegerWeight& weight) {
  const std::size_t n_words = weight.cols * weight.bits / kWordBits;
  Tensor out = Tensor::make(DType::kI32, {n_words, weight.rows});
  const auto words = out.mutable_as<std::uint32_t>();
  std::vector<std::uint8_t> stream(n_words * 4);
  for (std::size_t r = 0; r < weight.rows; ++r) {
    codec::pack_codes(
        std::span(weight.codes.codes).subspan(r * weight.cols, weight.cols), weight.bits, stream);
    for (std::size_t w = 0; w < n_words; ++w) {
      std::memcpy(&words[w * weight.rows + r], &stream[4 * w], 4);
    }
  }
  return out;
}

class GptqReader final : public PackedReader {
 public:
  explicit GptqReader(const Json& settings)
      : bits_(static_cast<std::size_t>(int_setting(settings, "bits"))),
        group_(group_from_setting(int_setting_or(settings, "group_size", -1))),
        has_overrides_(settings.contains("dynamic") && !settings["dynamic"].empty()) {
    if (!is_width(bits_)) {
      raise(ErrorCode::kUnsupported,
            "quantization_config: GPTQ with {} bits is not read, only 2, 3, 4 and 8",
            bits_);
    }
    const std::string version =
        text_setting_or(settings, "checkpoint_format", text_setting_or(settings, "format", "gptq"));
    if (std::ranges::find(kTargets, version) == kTargets.end()) {
      raise(ErrorCode::kUnsupported,
            "quantization_config: 'checkpoint_format': '{}' is not read, only gptq and gptq_v2",
            version);
    }
    zeros_minus_one_ = version == "gptq";
  }

  std::span<const std::string_view> suffixes() const noexcept override { return kSuffixes; }

  codec::EncodedMatrix read(const PackedTensors& tensors) const override {
    const Sizes sizes = sizes_of(tensors);
    if (sizes.bits != bits_ && !has_overrides_) {
      raise(ErrorCode::kCorruptData,
            "{}: the tensors have {} bits, quantization_config says {}",
            tensors.module,
            sizes.bits,
            bits_);
    }
    const std::size_t group = read_group(tensors, sizes.cols);
    const std::size_t n = n_groups_of(sizes.cols, group);
    const Tensor& scales = tensors.require("scales", kFloats, 2);
    tensors.require_shape("scales", {n, sizes.rows});
    tensors.require_shape("qzeros", {n, sizes.rows * sizes.bits / kWordBits});
    IntegerWeight weight = make_integer_weight(sizes.rows, sizes.cols, sizes.bits, group);
    if (tensors.find("g_idx") != nullptr) {
      const auto groups = tensors.require("g_idx", kWords, 1).as<std::int32_t>();
      tensors.require_shape("g_idx", {sizes.cols});
      set_group_index(tensors.module + ".g_idx", groups, weight);
    }
    read_codes(*tensors.find("qweight"), weight);
    read_zeros(tensors, weight);
    const DType parameters = read_scales(scales, false, weight);
    return integer_groups(tensors.module, weight, parameters);
  }

 private:
  /// The group of the settings; where it does not fit the scales (a `dynamic` rule), the size of
  /// the first one in g_idx.
  std::size_t read_group(const PackedTensors& tensors, std::size_t cols) const {
    const std::size_t n_groups = tensors.require("scales", kFloats, 2).shape()[0];
    if (tensors.find("g_idx") == nullptr || n_groups == n_groups_of(cols, group_)) {
      return group_ == cols ? 0 : group_;
    }
    const auto groups = tensors.require("g_idx", kWords, 1).as<std::int32_t>();
    tensors.require_shape("g_idx", {cols});
    const auto n = static_cast<std::size_t>(std::ranges::count(groups, 0));
    if (n == 0) {
      raise(ErrorCode::kCorruptData, "{}.g_idx: no input lies in group 0", tensors.module);
    }
    return n == cols ? 0 : n;
  }

  void read_zeros(const PackedTensors& tensors, IntegerWeight& weight) const {
    const Tensor& qzeros = *tensors.find("qzeros");
    const auto bytes = qzeros.bytes();
    const std::size_t row_bytes = 4 * qzeros.shape()[1];
    const std::size_t n = weight.n_groups();
    std::vector<std::uint8_t> zeros(weight.rows);
    for (std::size_t g = 0; g < n; ++g) {
      codec::unpack_codes(
          {reinterpret_cast<const std::uint8_t*>(bytes.data()) + g * row_bytes, row_bytes},
          weight.bits,
          zeros);
      for (std::size_t r = 0; r < weight.rows; ++r) {
        if (zeros_minus_one_ && zeros[r] == weight.max_code()) {
          raise(ErrorCode::kUnsupported,
                "{}.qzeros: group {}, output {}: all bits set in version 1 is a zero of 0 for some "
                "tools and of {} for others; a gptq_v2 file is unambiguous",
                tensors.module,
                g,
                r,
                weight.max_code() + 1);
        }
        weight.codes.zeros[r * n + g] = static_cast<float>(zeros[r] + (zeros_minus_one_ ? 1 : 0));
      }
    }
  }

  std::size_t bits_;
  std::size_t group_;
  bool has_overrides_;  ///< modules may differ from bits_ and group_
  bool zeros_minus_one_ = true;
};

class GptqWriter final : public PackedWriter {
 public:
  explicit GptqWriter(std::string_view version) : version_(version) {}

  PackedTensors write(std::string_view module, const codec::EncodedMatrix& matrix) override {
    const IntegerWeight weight = integer_weight(module, matrix);
    check(module, weight);
    grid_.add(module, weight);
    has_head_ = has_head_ || module == "lm_head";
    return {std::string(module),
            {{"qweight", write_codes(weight)},
             {"qzeros", write_zeros(weight)},
             {"scales", half_scales(weight, false)},
             {"g_idx", group_index(weight)}}};
  }

  void skip(std::string_view module) override {
    if (module == "lm_head") {
      return;  // is not packed unless the settings say so
    }
    std::string pattern = "-:^";
    for (const char c : module) {
      pattern += c == '.' ? "\\." : std::string(1, c);
    }
    overrides_[pattern + "$"] = Json::object();
  }

  Json settings() const override {
    Json out = {{"quant_method", "gptq"},
                {"checkpoint_format", version_},
                {"bits", grid_.bits()},
                {"group_size", grid_.group_setting()},
                {"sym", grid_.is_symmetric()},
                {"desc_act", grid_.is_permuted()},
                {"lm_head", has_head_},
                {"pack_dtype", "int32"},
                {"meta", {{"quantizer", {"nibble"}}}}};
    if (!overrides_.empty()) {
      out["dynamic"] = overrides_;
    }
    return out;
  }

 private:
  void check(std::string_view module, const IntegerWeight& weight) const {
    if (!is_width(weight.bits)) {
      raise(ErrorCode::kUnsupported,
            "{}: {} bits; GPTQ files have 2, 3, 4 or 8",
            module,
            weight.bits);
    }
    if (weight.rows % kWordBits != 0 || weight.cols % kWordBits != 0) {
      raise(ErrorCode::kUnsupported,
            "{}: {} x {} does not fill the words of GPTQ files; both must be multiples of 32",
            module,
            weight.rows,
            weight.cols);
    }
    require_half_scales(module, weight);
    const auto zero = std::ranges::find(weight.codes.zeros, 0.0F);
    if (version_ == "gptq" && zero != weight.codes.zeros.end()) {
      raise(ErrorCode::kUnsupported,
            "{}: a zero of 0, which version 1 of the format cannot store; write gptq_v2",
            module);
    }
  }

  Tensor write_zeros(const IntegerWeight& weight) const {
    const std::size_t n = weight.n_groups();
    Tensor out = Tensor::make(DType::kI32, {n, weight.rows * weight.bits / kWordBits});
    const auto bytes = out.mutable_bytes();
    const std::size_t row_bytes = bytes.size() / n;
    const float offset = version_ == "gptq" ? 1.0F : 0.0F;
    std::vector<std::uint8_t> zeros(weight.rows);
    for (std::size_t g = 0; g < n; ++g) {
      for (std::size_t r = 0; r < weight.rows; ++r) {
        zeros[r] = static_cast<std::uint8_t>(weight.codes.zeros[r * n + g] - offset);
      }
      codec::pack_codes(zeros,
                        weight.bits,
                        {reinterpret_cast<std::uint8_t*>(bytes.data()) + g * row_bytes, row_bytes});
    }
    return out;
  }

  std::string version_;
  CommonGrid grid_;
  bool has_head_ = false;
  Json overrides_ = Json::object();
};

}  // namespace

PackedFormat gptq_format() {
  return {"gptq",
          kTargets,
          "quantize_config.json",
          [](const Json& settings) -> std::unique_ptr<PackedReader> {
            return std::make_unique<GptqReader>(settings);
          },
          [](std::string_view target) -> std::unique_ptr<PackedWriter> {
            return std::make_unique<GptqWriter>(target);
          }};
}

}  // namespace nibble::io
