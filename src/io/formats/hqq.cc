#include "io/formats/hqq.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "io/formats/integer_weight.h"
#include "tensor/half.h"

namespace nibble::io {
namespace {

constexpr std::array<std::string_view, 19> kSuffixes = {"W_q",
                                                        "scale",
                                                        "zero",
                                                        "nbits",
                                                        "group_size",
                                                        "axis",
                                                        "shape",
                                                        "packing",
                                                        "compute_dtype",
                                                        "unpack_view_dtype",
                                                        "view_as_float",
                                                        "quant_scale",
                                                        "quant_zero",
                                                        "channel_wise",
                                                        "optimize",
                                                        "round_zero",
                                                        "offload_meta",
                                                        "encoded_state_dict",
                                                        "stores_quant_config"};
constexpr std::array<std::string_view, 1> kTargets = {"hqq"};
constexpr std::array kFloats = {DType::kF16, DType::kBF16, DType::kF32};

/// How codes of a width share an element: so many of them, at these shifts from the first part of
/// the groups on.
struct Packing {
  std::size_t bits;
  std::string_view name;
  DType dtype;
  std::size_t per_element;
  int top_shift, step;
};

constexpr std::array kPackings = {
    Packing{8, "8bit_u8", DType::kU8, 1, 0, 0},
    Packing{6, "8bit_u8", DType::kU8, 1, 0, 0},
    Packing{5, "8bit_u8", DType::kU8, 1, 0, 0},
    Packing{4, "4bit_u8", DType::kU8, 2, 4, 4},
    Packing{3, "3bit_32", DType::kI32, 10, 27, 3},
    Packing{2, "2bit_u8", DType::kU8, 4, 6, 2},
};

const Packing& packing_of(std::string_view module, std::size_t bits) {
  const auto found = std::ranges::find(kPackings, bits, &Packing::bits);
  if (found == kPackings.end()) {
    raise(ErrorCode::kUnsupported,
          "{}: {} bits; of HQQ's widths 2, 3, 4, 5, 6 and 8 are supported",
          module,
          bits);
  }
  return *found;
}

/// The n-th packed element of a tensor, whatever its width.
std::uint32_t element(const Tensor& tensor, std::size_t n) {
  return tensor.dtype() == DType::kU8 ? tensor.as<std::uint8_t>()[n]
                                      : tensor.as<std::uint32_t>()[n];
}

/// The only element of a tensor of integers.
std::int64_t number_of(const PackedTensors& tensors, std::string_view suffix) {
  const Tensor* tensor = tensors.find(suffix);
  if (tensor == nullptr || tensor->size() != 1) {
    raise(ErrorCode::kCorruptData, "{}.{}: expected one number", tensors.module, suffix);
  }
  switch (tensor->dtype()) {
    case DType::kU8:
      return tensor->as<std::uint8_t>()[0];
    case DType::kI32:
      return tensor->as<std::int32_t>()[0];
    case DType::kI64:
      return tensor->as<std::int64_t>()[0];
    default:
      raise(ErrorCode::kCorruptData, "{}.{}: expected an integer", tensors.module, suffix);
  }
}

void refuse_flag(const PackedTensors& tensors, std::string_view suffix, std::string_view what) {
  if (tensors.find(suffix) != nullptr && number_of(tensors, suffix) != 0) {
    raise(ErrorCode::kUnsupported, "{}.{}: {} are not read", tensors.module, suffix, what);
  }
}

/// What the tensors beside the codes say.
struct Layer {
  std::size_t rows, cols, group, n_groups;
  const Packing& packing;
};

Layer layer_of(const PackedTensors& tensors) {
  refuse_flag(tensors, "view_as_float", "codes viewed as floats");
  refuse_flag(tensors, "quant_scale", "quantized scales");
  refuse_flag(tensors, "quant_zero", "quantized zeros");
  if (number_of(tensors, "axis") != 1) {
    raise(ErrorCode::kUnsupported,
          "{}.axis: groups along axis 0 hold one input of many outputs; nibble's groups are runs "
          "of neighbouring inputs",
          tensors.module);
  }
  const std::array kIndices = {DType::kI64};
  const auto shape = tensors.require("shape", kIndices, 1).as<std::int64_t>();
  const std::int64_t bits = number_of(tensors, "nbits");
  const std::int64_t group = tensors.find("group_size") == nullptr && shape.size() == 2
                                 ? shape[1]
                                 : number_of(tensors, "group_size");
  constexpr std::int64_t kMost = std::int64_t{1} << 31;
  if (shape.size() != 2 || std::ranges::any_of(shape, [](auto n) { return n < 1 || n > kMost; }) ||
      group < 1 || group > shape[1] || bits < 0) {
    raise(ErrorCode::kCorruptData, "{}: shape and group_size are no sizes", tensors.module);
  }
  const auto rows = static_cast<std::size_t>(shape[0]);
  const auto cols = static_cast<std::size_t>(shape[1]);
  if (cols % static_cast<std::size_t>(group) != 0) {
    raise(ErrorCode::kUnsupported,
          "{}: groups of {} cross from one output to the next ({} inputs); nibble's do not",
          tensors.module,
          group,
          cols);
  }
  const auto size = static_cast<std::size_t>(group);
  return {rows,
          cols,
          size,
          rows * (cols / size),
          packing_of(tensors.module, static_cast<std::size_t>(bits))};
}

std::size_t packed_rows(const Layer& layer) {
  return ceil_div(layer.n_groups, layer.packing.per_element);
}

void read_codes(const PackedTensors& tensors,
                const Layer& layer,
                std::vector<std::uint8_t>& codes) {
  const std::array dtypes = {layer.packing.dtype};
  const Tensor& packed = tensors.require("W_q", dtypes, 2);
  const std::size_t n_rows = packed_rows(layer);
  tensors.require_shape("W_q", {n_rows, layer.group});
  const std::uint32_t mask = (1U << layer.packing.bits) - 1U;
  for (std::size_t i = 0; i < layer.n_groups; ++i) {
    const int shift = layer.packing.top_shift - static_cast<int>(i / n_rows) * layer.packing.step;
    for (std::size_t j = 0; j < layer.group; ++j) {
      const std::uint32_t word = element(packed, i % n_rows * layer.group + j);
      const std::uint32_t code = word >> shift;
      if (layer.packing.per_element == 1 && code > mask) {
        raise(ErrorCode::kCorruptData,
              "{}.W_q: {} is no code of {} bits",
              tensors.module,
              code,
              layer.packing.bits);
      }
      codes[i * layer.group + j] = static_cast<std::uint8_t>(code & mask);
    }
  }
}

std::vector<float> read_column(const PackedTensors& tensors,
                               std::string_view suffix,
                               const Layer& layer) {
  const Tensor& column = tensors.require(suffix, kFloats, 2);
  tensors.require_shape(suffix, {layer.n_groups, 1});
  std::vector<float> out = to_f32(column);
  if (!std::ranges::all_of(out, [](float v) { return std::isfinite(v); })) {
    raise(ErrorCode::kCorruptData, "{}.{}: a value is not finite", tensors.module, suffix);
  }
  return out;
}

class HqqReader final : public PackedReader {
 public:
  std::span<const std::string_view> suffixes() const noexcept override { return kSuffixes; }

  codec::EncodedMatrix read(const PackedTensors& tensors) const override {
    const Layer layer = layer_of(tensors);
    codec::IntGroupCodes codes;
    codes.scales = read_column(tensors, "scale", layer);
    codes.zeros = read_column(tensors, "zero", layer);
    codes.codes.resize(layer.rows * layer.cols);
    read_codes(tensors, layer, codes.codes);
    const bool is_half = tensors.find("scale")->dtype() == DType::kF16 &&
                         tensors.find("zero")->dtype() == DType::kF16;
    const codec::IntGroupFormat format{layer.packing.bits,
                                       layer.group == layer.cols ? 0 : layer.group,
                                       codec::ZeroKind::kFloat,
                                       is_half ? DType::kF16 : DType::kF32};
    if (!codec::int_group_from_name(codec::int_group_name(format))) {
      raise(ErrorCode::kUnsupported,
            "{}: groups of {} are not read; nibble's are multiples of 8 from 8 to 65536",
            tensors.module,
            layer.group);
    }
    return codec::pack_int_group(format, layer.rows, layer.cols, codes);
  }
};

Tensor text_tensor(std::string_view text) {
  Tensor out = Tensor::make(DType::kU8, {text.size()});
  std::ranges::copy(text, out.mutable_as<std::uint8_t>().begin());
  return out;
}

Tensor flag_tensor(bool value) {
  const std::array<std::uint8_t, 1> one = {value ? std::uint8_t{1} : std::uint8_t{0}};
  return Tensor::from<std::uint8_t>(DType::kU8, {}, one);
}

Tensor number_tensor(std::size_t value) {
  const std::array<std::int32_t, 1> one = {static_cast<std::int32_t>(value)};
  return Tensor::from<std::int32_t>(DType::kI32, {}, one);
}

bool is_half_exact(std::span<const float> values) {
  return std::ranges::all_of(values, [](float v) { return f16_to_f32(f32_to_f16(v)) == v; });
}

Tensor column_tensor(std::span<const float> values, bool is_half) {
  const Shape shape = {values.size(), 1};
  if (!is_half) {
    return Tensor::from<float>(DType::kF32, shape, values);
  }
  Tensor out = Tensor::make(DType::kF16, shape);
  std::ranges::transform(values, out.mutable_as<std::uint16_t>().begin(), f32_to_f16);
  return out;
}

Tensor pack_codes(const Layer& layer, std::span<const std::uint8_t> codes) {
  const std::size_t n_rows = packed_rows(layer);
  Tensor out = Tensor::make(layer.packing.dtype, {n_rows, layer.group});
  for (std::size_t i = 0; i < layer.n_groups; ++i) {
    const int shift = layer.packing.top_shift - static_cast<int>(i / n_rows) * layer.packing.step;
    for (std::size_t j = 0; j < layer.group; ++j) {
      const std::size_t at = i % n_rows * layer.group + j;
      const std::uint32_t code = static_cast<std::uint32_t>(codes[i * layer.group + j]) << shift;
      if (layer.packing.dtype == DType::kU8) {
        auto& word = out.mutable_as<std::uint8_t>()[at];
        word = static_cast<std::uint8_t>(word | code);
      } else {
        out.mutable_as<std::uint32_t>()[at] |= code;
      }
    }
  }
  return out;
}

class HqqWriter final : public PackedWriter {
 public:
  PackedTensors write(std::string_view module, const codec::EncodedMatrix& matrix) override {
    const IntegerWeight weight = weight_of(module, matrix);
    const Layer layer = checked_layer(module, weight);
    const bool is_half = is_half_exact(weight.codes.scales) && is_half_exact(weight.codes.zeros);
    const std::array<std::int64_t, 2> shape = {static_cast<std::int64_t>(weight.rows),
                                               static_cast<std::int64_t>(weight.cols)};
    return {std::string(module),
            {{"W_q", pack_codes(layer, weight.codes.codes)},
             {"scale", column_tensor(weight.codes.scales, is_half)},
             {"zero", column_tensor(weight.codes.zeros, is_half)},
             {"nbits", number_tensor(weight.bits)},
             {"group_size", number_tensor(layer.group)},
             {"axis", number_tensor(1)},
             {"shape", Tensor::from<std::int64_t>(DType::kI64, {2}, shape)},
             {"packing", text_tensor(layer.packing.name)},
             {"compute_dtype", text_tensor(is_half ? "torch.float16" : "torch.float32")},
             {"unpack_view_dtype",
              text_tensor(layer.packing.dtype == DType::kU8 ? "torch.uint8" : "torch.int32")},
             {"view_as_float", flag_tensor(false)},
             {"quant_scale", flag_tensor(false)},
             {"quant_zero", flag_tensor(false)},
             {"channel_wise", flag_tensor(true)},
             {"optimize", flag_tensor(true)},
             {"round_zero", flag_tensor(weight.bits == 4)},
             {"offload_meta", flag_tensor(false)},
             {"encoded_state_dict", flag_tensor(true)},
             {"stores_quant_config", flag_tensor(true)}}};
  }

  void skip(std::string_view module) override { plain_.push_back(module); }

  Json settings() const override {
    const Json weights = {
        {"nbits", grid_.bits()},
        {"group_size", grid_.group_setting() > 0 ? Json(grid_.group_setting()) : Json(nullptr)},
        {"channel_wise", true},
        {"optimize", true},
        {"round_zero", grid_.bits() == 4},
        {"axis", 1},
        {"view_as_float", false}};
    return {{"quant_method", "hqq"},
            {"quant_config",
             {{"weight_quant_params", weights},
              {"scale_quant_params", nullptr},
              {"zero_quant_params", nullptr},
              {"offload_meta", false}}},
            {"skip_modules", plain_}};
  }

 private:
  /// Real zeros are what this format is for, so they need not be whole.
  IntegerWeight weight_of(std::string_view module, const codec::EncodedMatrix& matrix) {
    if (const auto* format = codec::int_group_format(*matrix.codec)) {
      return {
          matrix.rows, matrix.cols, format->bits, format->group, codec::unpack_int_group(matrix)};
    }
    return integer_weight(module, matrix);
  }

  Layer checked_layer(std::string_view module, const IntegerWeight& weight) {
    const Packing& packing = packing_of(module, weight.bits);
    require_natural_order(module, weight, "HQQ files");
    const std::size_t group = weight.group == 0 ? weight.cols : weight.group;
    if (weight.cols % group != 0) {
      raise(ErrorCode::kUnsupported,
            "{}: groups of {} leave a shorter one in {} inputs; HQQ's are all of one size",
            module,
            group,
            weight.cols);
    }
    const Layer layer{
        weight.rows, weight.cols, group, weight.rows * (weight.cols / group), packing};
    if (packing.dtype == DType::kU8 && layer.n_groups % packing.per_element != 0) {
      raise(ErrorCode::kUnsupported,
            "{}: {} groups do not fill bytes of {} codes each",
            module,
            layer.n_groups,
            packing.per_element);
    }
    grid_.add(module, weight);
    return layer;
  }

  CommonGrid grid_;
  Json plain_ = Json::array();
};

}  // namespace

PackedFormat hqq_format() {
  return {"hqq",
          kTargets,
          "",
          [](const Json& /*settings*/) -> std::unique_ptr<PackedReader> {
            return std::make_unique<HqqReader>();  // each layer says what it is
          },
          [](std::string_view /*target*/) -> std::unique_ptr<PackedWriter> {
            return std::make_unique<HqqWriter>();
          }};
}

}  // namespace nibble::io
