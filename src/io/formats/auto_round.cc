#include "io/formats/auto_round.h"

#include <array>
#include <nlohmann/json.hpp>

#include "io/formats/awq.h"
#include "io/formats/gptq.h"
#include "io/formats/integer_weight.h"
#include "io/formats/settings.h"

namespace nibble::io {
namespace {

constexpr std::array<std::string_view, 1> kTargets = {"auto-round"};
constexpr std::int64_t kPlainBits = 16;

/// Settings as the format has them whose tensors these are, for one layer.
Json inner_settings(std::string_view packing, std::int64_t bits, std::int64_t group) {
  if (packing == "auto_round:auto_awq") {
    return {{"quant_method", "awq"}, {"version", "gemm"}, {"bits", bits}, {"group_size", group}};
  }
  const bool is_minus_one = packing == "auto_round:auto_gptq";
  return {{"quant_method", "gptq"},
          {"checkpoint_format", is_minus_one ? "gptq" : "gptq_v2"},
          {"bits", bits},
          {"group_size", group}};
}

bool is_known(std::string_view packing) {
  return packing == "auto_round:auto_gptq" || packing == "auto_round" ||
         packing == "auto_round:gptqmodel" || packing == "auto_round:auto_awq";
}

class AutoRoundReader final : public PackedReader {
 public:
  explicit AutoRoundReader(const Json& settings)
      : packing_(text_setting_or(settings, "packing_format", "auto_round:auto_gptq")),
        bits_(int_setting(settings, "bits")),
        group_(int_setting_or(settings, "group_size", 128)),
        layers_(settings.value("extra_config", Json::object())) {
    if (!is_known(packing_)) {
      raise(ErrorCode::kUnsupported,
            "quantization_config: 'packing_format': '{}' is not read; auto_round, "
            "auto_round:auto_gptq and auto_round:auto_awq are",
            packing_);
    }
    refuse_unless_weights_alone(settings);
    usual_ = open(bits_, group_);
  }

  std::span<const std::string_view> suffixes() const noexcept override {
    return usual_->suffixes();
  }

  codec::EncodedMatrix read(const PackedTensors& tensors) const override {
    const auto own = layers_.find(tensors.module);
    if (own == layers_.end() || !own->is_object()) {
      return usual_->read(tensors);
    }
    return open(int_setting_or(*own, "bits", bits_), int_setting_or(*own, "group_size", group_))
        ->read(tensors);
  }

 private:
  static void refuse_unless_weights_alone(const Json& settings) {
    const std::string type = text_setting_or(settings, "data_type", "int");
    if (type != "int") {
      raise(ErrorCode::kUnsupported,
            "quantization_config: 'data_type': '{}' is not read, only int",
            type);
    }
    if (int_setting_or(settings, "act_bits", kPlainBits) < kPlainBits) {
      raise(ErrorCode::kUnsupported,
            "quantization_config: 'act_bits': quantized activations are not read");
    }
  }

  [[nodiscard]] std::unique_ptr<PackedReader> open(std::int64_t bits, std::int64_t group) const {
    const Json settings = inner_settings(packing_, bits, group);
    return packing_ == "auto_round:auto_awq" ? awq_format().open(settings)
                                             : gptq_format().open(settings);
  }

  std::string packing_;
  std::int64_t bits_, group_;
  Json layers_;
  std::unique_ptr<PackedReader> usual_;
};

class AutoRoundWriter final : public PackedWriter {
 public:
  PackedTensors write(std::string_view module, const codec::EncodedMatrix& matrix) override {
    const IntegerWeight weight = integer_weight(module, matrix);
    require_natural_order(module, weight, "auto-round files");
    const bool is_symmetric = weight.is_symmetric();
    if (inner_ == nullptr) {
      is_symmetric_ = is_symmetric;
      inner_ = gptq_format().create(is_symmetric ? "gptq" : "gptq_v2");
    }
    if (is_symmetric_ && !is_symmetric) {
      raise(ErrorCode::kUnsupported,
            "{}: has zeros of its own, layers before it have the middle code; auto-round's packing "
            "is one or the other for all",
            module);
    }
    PackedTensors out = inner_->write(module, matrix);
    out.by_suffix.erase("g_idx");
    has_head_ = has_head_ || module == "lm_head";
    return out;
  }

  void skip(std::string_view module) override {
    layers_[std::string(module)] = {{"bits", kPlainBits}, {"data_type", "float"}};
  }

  Json settings() const override {
    Json out = inner_ == nullptr ? Json::object() : inner_->settings();
    Json layers = layers_;
    if (has_head_) {
      layers["lm_head"] = {{"bits", out["bits"]},
                           {"group_size", out["group_size"]},
                           {"sym", is_symmetric_},
                           {"data_type", "int"}};
    }
    return {{"quant_method", "auto-round"},
            {"packing_format", is_symmetric_ ? "auto_round:auto_gptq" : "auto_round"},
            {"bits", out.value("bits", 4)},
            {"group_size", out.value("group_size", 128)},
            {"sym", is_symmetric_},
            {"data_type", "int"},
            {"block_name_to_quantize", "model.layers"},
            {"extra_config", std::move(layers)}};
  }

 private:
  std::unique_ptr<PackedWriter> inner_;
  bool is_symmetric_ = true;
  bool has_head_ = false;
  Json layers_ = Json::object();
};

}  // namespace

PackedFormat auto_round_format() {
  return {"auto-round",
          kTargets,
          "",
          [](const Json& settings) -> std::unique_ptr<PackedReader> {
            return std::make_unique<AutoRoundReader>(settings);
          },
          [](std::string_view /*target*/) -> std::unique_ptr<PackedWriter> {
            return std::make_unique<AutoRoundWriter>();
          }};
}

}  // namespace nibble::io
