#include "io/formats/compressed_tensors.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "codec/bit_stream.h"
#include "io/formats/integer_weight.h"
#include "io/formats/settings.h"

namespace nibble::io {
namespace {

constexpr std::array<std::string_view, 5> kSuffixes = {
    "weight_packed", "weight_scale", "weight_zero_point", "weight_shape", "weight_g_idx"};
constexpr std::array<std::string_view, 1> kTargets = {"compressed-tensors"};
constexpr std::string_view kFormat = "pack-quantized";
constexpr std::array kWords = {DType::kI32};
constexpr std::array kFloats = {DType::kF16, DType::kBF16, DType::kF32};
constexpr std::array kIntegers = {DType::kI64, DType::kI32};
constexpr std::size_t kWordBits = 32;

std::size_t n_words(std::size_t n_codes, std::size_t bits) {
  return ceil_div(n_codes * bits, kWordBits);
}

std::span<const std::uint8_t> as_bytes(std::span<const std::uint32_t> words) {
  return {reinterpret_cast<const std::uint8_t*>(words.data()), words.size_bytes()};
}

/// The words of a run of codes; what is left of the last one is 0.
std::vector<std::uint32_t> packed(std::span<const std::uint8_t> codes, std::size_t bits) {
  std::vector<std::uint32_t> words(n_words(codes.size(), bits));
  codec::pack_codes(
      codes, bits, std::span(reinterpret_cast<std::uint8_t*>(words.data()), words.size() * 4));
  return words;
}

/// "weights" of the one group of layers that the settings must have.
const Json& weight_settings(const Json& settings) {
  const std::string format = text_setting_or(settings, "format", "");
  if (format != kFormat) {
    raise(ErrorCode::kUnsupported,
          "quantization_config: 'format': '{}' of compressed-tensors is not read, only {}",
          format,
          kFormat);
  }
  const auto groups = settings.find("config_groups");
  if (groups == settings.end() || !groups->is_object() || groups->size() != 1 ||
      !groups->begin()->is_object()) {
    raise(ErrorCode::kUnsupported, "quantization_config: 'config_groups': only one group is read");
  }
  const Json& group = *groups->begin();
  const auto activations = group.find("input_activations");
  if (activations != group.end() && !activations->is_null()) {
    raise(ErrorCode::kUnsupported,
          "quantization_config: quantized activations ('input_activations') are not read");
  }
  const auto weights = group.find("weights");
  if (weights == group.end() || !weights->is_object()) {
    raise(ErrorCode::kCorruptData, "quantization_config: 'weights': wanted an object");
  }
  return *weights;
}

class CompressedTensorsReader final : public PackedReader {
 public:
  explicit CompressedTensorsReader(const Json& settings) {
    const Json& weights = weight_settings(settings);
    const auto bits = int_setting(weights, "num_bits");
    const std::string type = text_setting_or(weights, "type", "int");
    const std::string strategy = text_setting_or(weights, "strategy", "group");
    if ((bits != 4 && bits != 8) || type != "int" ||
        (strategy != "group" && strategy != "channel")) {
      raise(ErrorCode::kUnsupported,
            "quantization_config: {} bits of type '{}', strategy '{}', are not read; only int of 4 "
            "or 8 bits by group or channel",
            bits,
            type,
            strategy);
    }
    bits_ = static_cast<std::size_t>(bits);
    group_ = strategy == "group" ? group_from_setting(int_setting(weights, "group_size")) : 0;
    is_symmetric_ = flag_setting_or(weights, "symmetric", true);
  }

  std::span<const std::string_view> suffixes() const noexcept override { return kSuffixes; }

  codec::EncodedMatrix read(const PackedTensors& tensors) const override {
    const Tensor& scales = tensors.require("weight_scale", kFloats, 2);
    IntegerWeight weight = shaped(tensors);
    if (tensors.find("weight_g_idx") != nullptr) {
      const auto groups = tensors.require("weight_g_idx", kWords, 1).as<std::int32_t>();
      tensors.require_shape("weight_g_idx", {weight.cols});
      set_group_index(tensors.module + ".weight_g_idx", groups, weight);
    }
    const std::size_t row_words = n_words(weight.cols, bits_);
    const auto words = tensors.find("weight_packed")->as<std::uint32_t>();
    for (std::size_t r = 0; r < weight.rows; ++r) {
      codec::unpack_codes(as_bytes(words.subspan(r * row_words, row_words)),
                          bits_,
                          std::span(weight.codes.codes).subspan(r * weight.cols, weight.cols));
    }
    if (!is_symmetric_) {
      read_zeros(tensors, weight);
    }
    const DType parameters = read_scales(scales, true, weight);
    return integer_groups(tensors.module, weight, parameters);
  }

 private:
  IntegerWeight shaped(const PackedTensors& tensors) const {
    const Tensor& packed_codes = tensors.require("weight_packed", kWords, 2);
    const Tensor& shape = tensors.require("weight_shape", kIntegers, 1);
    tensors.require_shape("weight_shape", {2});
    const auto dimension = [&shape](std::size_t i) {
      return shape.dtype() == DType::kI64 ? shape.as<std::int64_t>()[i]
                                          : std::int64_t{shape.as<std::int32_t>()[i]};
    };
    const std::size_t rows = packed_codes.shape()[0];
    const std::size_t most = packed_codes.shape()[1] * (kWordBits / bits_);
    const auto cols = static_cast<std::size_t>(dimension(1));
    if (dimension(0) != static_cast<std::int64_t>(rows) || dimension(1) <= 0 || cols > most ||
        n_words(cols, bits_) != packed_codes.shape()[1]) {
      raise(ErrorCode::kShapeMismatch,
            "{}: weight_shape [{}, {}] does not fit weight_packed {} of {} bits",
            tensors.module,
            dimension(0),
            dimension(1),
            shape_text(packed_codes.shape()),
            bits_);
    }
    if (group_ != 0 && cols % group_ != 0) {
      raise(ErrorCode::kUnsupported,
            "{}: groups of {} do not divide {} inputs",
            tensors.module,
            group_,
            cols);
    }
    tensors.require_shape("weight_scale", {rows, n_groups_of(cols, group_)});
    return make_integer_weight(rows, cols, bits_, group_);
  }

  void read_zeros(const PackedTensors& tensors, IntegerWeight& weight) const {
    const Tensor& stored = tensors.require("weight_zero_point", kWords, 2);
    const std::size_t n = weight.n_groups();
    std::vector<std::uint32_t> column(n_words(weight.rows, bits_));
    tensors.require_shape("weight_zero_point", {column.size(), n});
    const auto words = stored.as<std::uint32_t>();
    std::vector<std::uint8_t> zeros(weight.rows);
    for (std::size_t g = 0; g < n; ++g) {
      for (std::size_t w = 0; w < column.size(); ++w) {
        column[w] = words[w * n + g];
      }
      codec::unpack_codes(as_bytes(column), bits_, zeros);
      for (std::size_t r = 0; r < weight.rows; ++r) {
        weight.codes.zeros[r * n + g] = static_cast<float>(zeros[r]);
      }
    }
  }

  std::size_t bits_ = 4;
  std::size_t group_ = 0;
  bool is_symmetric_ = true;
};

class CompressedTensorsWriter final : public PackedWriter {
 public:
  PackedTensors write(std::string_view module, const codec::EncodedMatrix& matrix) override {
    const IntegerWeight weight = integer_weight(module, matrix);
    check(module, weight);
    grid_.add(module, weight);
    PackedTensors out{std::string(module), {}};
    out.by_suffix["weight_packed"] = write_codes(weight);
    out.by_suffix["weight_scale"] = half_scales(weight, true);
    const std::array<std::int64_t, 2> shape = {static_cast<std::int64_t>(weight.rows),
                                               static_cast<std::int64_t>(weight.cols)};
    out.by_suffix["weight_shape"] = Tensor::from<std::int64_t>(DType::kI64, {2}, shape);
    if (!is_symmetric_) {
      out.by_suffix["weight_zero_point"] = write_zeros(weight);
    }
    if (!weight.codes.order.empty()) {
      out.by_suffix["weight_g_idx"] = group_index(weight);
    }
    return out;
  }

  void skip(std::string_view module) override { plain_.push_back(module); }

  Json settings() const override {
    const std::int64_t group = grid_.group_setting();
    Json ignored = plain_;
    if (!has_head_ && std::ranges::find(ignored, Json("lm_head")) == ignored.end()) {
      ignored.push_back("lm_head");
    }
    const Json weights = {{"num_bits", grid_.bits()},
                          {"type", "int"},
                          {"symmetric", is_symmetric_},
                          {"strategy", group == -1 ? "channel" : "group"},
                          {"group_size", group == -1 ? Json(nullptr) : Json(group)},
                          {"dynamic", false},
                          {"actorder", grid_.is_permuted() ? Json("group") : Json(nullptr)}};
    return {{"quant_method", "compressed-tensors"},
            {"format", kFormat},
            {"quantization_status", "compressed"},
            {"ignore", ignored},
            {"kv_cache_scheme", nullptr},
            {"config_groups",
             {{"group_0",
               {{"targets", {"Linear"}},
                {"input_activations", nullptr},
                {"output_activations", nullptr},
                {"weights", weights}}}}}};
  }

  std::vector<std::string> notes() const override {
    if (!grid_.is_permuted()) {
      return {};
    }
    return {
        "groups by activation (weight_g_idx): compressed-tensors 0.20 refuses them and "
        "Transformers 5.24 leaves them aside; a gptq folder keeps the same values for both"};
  }

 private:
  void check(std::string_view module, const IntegerWeight& weight) {
    if (weight.bits != 4 && weight.bits != 8) {
      raise(ErrorCode::kUnsupported,
            "{}: {} bits; pack-quantized files have 4 or 8",
            module,
            weight.bits);
    }
    if (weight.group != 0 && weight.cols % weight.group != 0) {
      raise(ErrorCode::kUnsupported,
            "{}: groups of {} do not divide {} inputs, as compressed-tensors wants it",
            module,
            weight.group,
            weight.cols);
    }
    require_half_scales(module, weight);
    if (is_first_) {
      is_symmetric_ = weight.is_symmetric();
      is_first_ = false;
    } else if (is_symmetric_ && !weight.is_symmetric()) {
      raise(ErrorCode::kUnsupported,
            "{} has zeros, the weights before it are symmetric; the format's settings state one "
            "of both for all",
            module);
    }
    has_head_ = has_head_ || module == "lm_head";
  }

  static Tensor write_codes(const IntegerWeight& weight) {
    const std::size_t row_words = n_words(weight.cols, weight.bits);
    Tensor out = Tensor::make(DType::kI32, {weight.rows, row_words});
    for (std::size_t r = 0; r < weight.rows; ++r) {
      const auto words =
          packed(std::span(weight.codes.codes).subspan(r * weight.cols, weight.cols), weight.bits);
      std::ranges::copy(words, out.mutable_as<std::uint32_t>().subspan(r * row_words).begin());
    }
    return out;
  }

  static Tensor write_zeros(const IntegerWeight& weight) {
    const std::size_t n = weight.n_groups();
    Tensor out = Tensor::make(DType::kI32, {n_words(weight.rows, weight.bits), n});
    const auto words = out.mutable_as<std::uint32_t>();
    std::vector<std::uint8_t> zeros(weight.rows);
    for (std::size_t g = 0; g < n; ++g) {
      for (std::size_t r = 0; r < weight.rows; ++r) {
        zeros[r] = static_cast<std::uint8_t>(weight.codes.zeros[r * n + g]);
      }
      const auto column = packed(zeros, weight.bits);
      for (std::size_t w = 0; w < column.size(); ++w) {
        words[w * n + g] = column[w];
      }
    }
    return out;
  }

  CommonGrid grid_;
  bool is_first_ = true;
  bool is_symmetric_ = true;
  bool has_head_ = false;
  Json plain_ = Json::array();
};

}  // namespace

PackedFormat compressed_tensors_format() {
  return {"compressed-tensors",
          kTargets,
          "",
          [](const Json& settings) -> std::unique_ptr<PackedReader> {
            return std::make_unique<CompressedTensorsReader>(settings);
          },
          [](std::string_view /*target*/) -> std::unique_ptr<PackedWriter> {
            return std::make_unique<CompressedTensorsWriter>();
          }};
}

}  // namespace nibble::io
