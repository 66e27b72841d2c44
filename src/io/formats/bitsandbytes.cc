#include "io/formats/bitsandbytes.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/checked_math.h"
#include "codec/nf4.h"
#include "io/formats/settings.h"

namespace nibble::io {
namespace {

using codec::Codebook;

constexpr std::string_view kNf4State = "weight.quant_state.bitsandbytes__nf4";
constexpr std::string_view kFp4State = "weight.quant_state.bitsandbytes__fp4";
constexpr std::array<std::string_view, 7> kSuffixes = {"weight",
                                                       "weight.absmax",
                                                       "weight.quant_map",
                                                       "weight.nested_absmax",
                                                       "weight.nested_quant_map",
                                                       kNf4State,
                                                       kFp4State};
constexpr std::array<std::string_view, 1> kTargets = {"bitsandbytes"};
constexpr std::array kBytes = {DType::kU8};
constexpr std::array kFloat = {DType::kF32};
constexpr std::size_t kMaxStateBytes = 4096;

std::string_view text_of(const Tensor& tensor) {
  return {reinterpret_cast<const char*>(tensor.bytes().data()), tensor.bytes().size()};
}

Tensor vector_of(DType dtype, std::span<const std::byte> bytes) {
  Tensor out = Tensor::make(dtype, {bytes.size() / dtype_bytes(dtype)});
  std::ranges::copy(bytes, out.mutable_bytes().begin());
  return out;
}

/// The JSON beside a weight.
struct State {
  codec::CodebookFormat format;
  std::size_t rows = 0, cols = 0;
  float nested_offset = 0;
};

std::size_t dimension(const Json& value) {
  return value.is_number_unsigned() ? value.get<std::size_t>() : 0;
}

State parse_state(const PackedTensors& tensors) {
  const bool is_nf4 = tensors.find(kNf4State) != nullptr;
  const std::string_view suffix = is_nf4 ? kNf4State : kFp4State;
  const Tensor& stored = tensors.require(suffix, kBytes, 1);
  const std::string where = fmt::format("{}.{}", tensors.module, suffix);
  if (stored.size() > kMaxStateBytes) {
    raise(ErrorCode::kCorruptData, "{}: {} bytes are too many", where, stored.size());
  }
  const Json json = parse_json(text_of(stored), where).take();
  if (!json.is_object()) {
    raise(ErrorCode::kCorruptData, "{}: expected a JSON object", where);
  }
  if (text_setting_or(json, "quant_type", "") != (is_nf4 ? "nf4" : "fp4")) {
    raise(ErrorCode::kCorruptData, "{}: 'quant_type' contradicts the tensor's name", where);
  }
  State out;
  const Json shape = json.value("shape", Json());
  if (!shape.is_array() || shape.size() != 2 || dimension(shape[0]) == 0 ||
      dimension(shape[1]) == 0 || !checked_mul(dimension(shape[0]), dimension(shape[1]))) {
    raise(ErrorCode::kCorruptData, "{}: 'shape': wanted two numbers above 0", where);
  }
  out.rows = dimension(shape[0]);
  out.cols = dimension(shape[1]);
  const bool nested = json.contains("nested_offset") || json.contains("nested_blocksize");
  const auto known = codec::codebook_from_name(fmt::format(
      "{}b{}{}", is_nf4 ? "nf4" : "fp4", int_setting(json, "blocksize"), nested ? "dq" : ""));
  if (!known) {
    raise(ErrorCode::kUnsupported, "{}: blocks of {}", where, dump_json(json["blocksize"]));
  }
  out.format = *known;
  if (nested) {
    const Json offset = json.value("nested_offset", Json());
    if (!offset.is_number() ||
        int_setting(json, "nested_blocksize") != static_cast<std::int64_t>(codec::kNestedBlock)) {
      raise(ErrorCode::kCorruptData,
            "{}: wanted a number 'nested_offset' and 'nested_blocksize' {}",
            where,
            codec::kNestedBlock);
    }
    out.nested_offset = offset.get<float>();
  }
  return out;
}

void require_table(const PackedTensors& tensors,
                   std::string_view suffix,
                   std::span<const float> wanted) {
  const Tensor& table = tensors.require(suffix, kFloat, 1);
  tensors.require_shape(suffix, {wanted.size()});
  if (!std::ranges::equal(table.as<float>(), wanted)) {
    raise(ErrorCode::kUnsupported,
          "{}.{}: not the table of bitsandbytes, and no other is read",
          tensors.module,
          suffix);
  }
}

class BitsandbytesReader final : public PackedReader {
 public:
  explicit BitsandbytesReader(const Json& settings) {
    if (!flag_setting_or(
            settings, "load_in_4bit", flag_setting_or(settings, "_load_in_4bit", false))) {
      raise(ErrorCode::kUnsupported,
            "quantization_config: of bitsandbytes only 4-bit weights are read (load_in_4bit)");
    }
  }

  std::span<const std::string_view> suffixes() const noexcept override { return kSuffixes; }

  codec::EncodedMatrix read(const PackedTensors& tensors) const override {
    const State state = parse_state(tensors);
    const auto& format = state.format;
    const std::size_t n_bytes = ceil_div(state.rows * state.cols, 2);
    const Tensor& codes = tensors.require("weight", kBytes, 2);
    tensors.require_shape("weight", {n_bytes, 1});
    require_table(tensors, "weight.quant_map", codec::codebook_values(format.codebook));
    codec::EncodedMatrix out{codec::codebook_codec(format), state.rows, state.cols, {}};
    out.parts.push_back({"codes", codes.reshaped({n_bytes})});
    out.parts.push_back(
        {"absmax", tensors.require("weight.absmax", format.nested ? kBytes : kFloat, 1)});
    if (format.nested) {
      require_table(tensors, "weight.nested_quant_map", codec::dynamic_map());
      out.parts.push_back({"nested_absmax", tensors.require("weight.nested_absmax", kFloat, 1)});
      out.parts.push_back(
          {"nested_offset",
           Tensor::from<float>(DType::kF32, {1}, std::span(&state.nested_offset, 1))});
    }
    return out;
  }
};

class BitsandbytesWriter final : public PackedWriter {
 public:
  PackedTensors write(std::string_view module, const codec::EncodedMatrix& matrix) override {
    const codec::CodebookFormat* format = codec::codebook_format(*matrix.codec);
    if (format == nullptr) {
      raise(ErrorCode::kUnsupported,
            "{}: bitsandbytes stores NF4 and FP4 only, found codec {}",
            module,
            matrix.codec->name());
    }
    agree(module, *format);
    has_head_ = has_head_ || module == "lm_head";
    const Tensor& codes = *matrix.part("codes");
    const std::string_view name = format->codebook == Codebook::kNf4 ? "nf4" : "fp4";
    Json state = {{"quant_type", name},
                  {"blocksize", format->block},
                  {"dtype", "float32"},
                  {"shape", {matrix.rows, matrix.cols}}};
    PackedTensors out{std::string(module), {}};
    out.by_suffix["weight"] = codes.reshaped({codes.size(), 1});
    out.by_suffix["weight.absmax"] = *matrix.part("absmax");
    out.by_suffix["weight.quant_map"] =
        vector_of(DType::kF32, std::as_bytes(std::span(codec::codebook_values(format->codebook))));
    if (format->nested) {
      state["nested_blocksize"] = codec::kNestedBlock;
      state["nested_dtype"] = "float32";
      state["nested_offset"] = matrix.part("nested_offset")->as<float>()[0];
      out.by_suffix["weight.nested_absmax"] = *matrix.part("nested_absmax");
      out.by_suffix["weight.nested_quant_map"] =
          vector_of(DType::kF32, std::as_bytes(std::span(codec::dynamic_map())));
    }
    const std::string text = dump_json(state);
    out.by_suffix.emplace(format->codebook == Codebook::kNf4 ? kNf4State : kFp4State,
                          vector_of(DType::kU8, std::as_bytes(std::span(text))));
    return out;
  }

  void skip(std::string_view module) override { plain_.push_back(module); }

  Json settings() const override {
    Json plain = plain_;
    if (!has_head_ && std::ranges::find(plain, Json("lm_head")) == plain.end()) {
      plain.push_back("lm_head");  // where it is tied to the embedding nobody skips it
    }
    return {{"quant_method", "bitsandbytes"},
            {"load_in_4bit", true},
            {"_load_in_4bit", true},
            {"load_in_8bit", false},
            {"_load_in_8bit", false},
            {"bnb_4bit_quant_type", format_.codebook == Codebook::kNf4 ? "nf4" : "fp4"},
            {"bnb_4bit_use_double_quant", format_.nested},
            {"bnb_4bit_compute_dtype", "float32"},
            {"bnb_4bit_quant_storage", "uint8"},
            {"llm_int8_threshold", 6.0},
            {"llm_int8_skip_modules", plain},
            {"llm_int8_enable_fp32_cpu_offload", false},
            {"llm_int8_has_fp16_weight", false}};
  }

 private:
  void agree(std::string_view module, const codec::CodebookFormat& format) {
    if (first_.empty()) {
      first_ = module;
      format_ = format;
    }
    if (format != format_) {
      raise(ErrorCode::kUnsupported,
            "{} is {}, {} is {}; the format's settings state one for all",
            module,
            codec::codebook_name(format),
            first_,
            codec::codebook_name(format_));
    }
  }

  std::string first_;
  codec::CodebookFormat format_;
  bool has_head_ = false;
  Json plain_ = Json::array();
};

}  // namespace

PackedFormat bitsandbytes_format() {
  return {"bitsandbytes",
          kTargets,
          "",
          [](const Json& settings) -> std::unique_ptr<PackedReader> {
            return std::make_unique<BitsandbytesReader>(settings);
          },
          [](std::string_view /*target*/) -> std::unique_ptr<PackedWriter> {
            return std::make_unique<BitsandbytesWriter>();
          }};
}

}  // namespace nibble::io
