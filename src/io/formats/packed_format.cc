#include "io/formats/packed_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/suggest.h"
#include "io/formats/auto_round.h"
#include "io/formats/awq.h"
#include "io/formats/bitsandbytes.h"
#include "io/formats/compressed_tensors.h"
#include "io/formats/gptq.h"
#include "io/formats/hqq.h"
#include "io/formats/settings.h"

namespace nibble::io {

const Tensor* PackedTensors::find(std::string_view suffix) const noexcept {
  const auto found = by_suffix.find(suffix);
  return found == by_suffix.end() ? nullptr : &found->second;
}

const Tensor& PackedTensors::require(std::string_view suffix,
                                     std::span<const DType> dtypes,
                                     std::size_t n_dims) const {
  const Tensor* tensor = find(suffix);
  if (tensor == nullptr) {
    raise(ErrorCode::kCorruptData, "{}.{}: missing", module, suffix);
  }
  if (std::ranges::find(dtypes, tensor->dtype()) == dtypes.end()) {
    std::string wanted;
    for (const DType dtype : dtypes) {
      wanted += fmt::format("{}{}", wanted.empty() ? "" : " or ", dtype_name(dtype));
    }
    raise(ErrorCode::kCorruptData,
          "{}.{}: expected dtype {}, found {}",
          module,
          suffix,
          wanted,
          dtype_name(tensor->dtype()));
  }
  if (tensor->shape().size() != n_dims || tensor->size() == 0) {
    raise(ErrorCode::kShapeMismatch,
          "{}.{}: expected {} dimensions above 0, found {}",
          module,
          suffix,
          n_dims,
          shape_text(tensor->shape()));
  }
  return *tensor;
}

void PackedTensors::require_shape(std::string_view suffix, const Shape& shape) const {
  const Tensor* tensor = find(suffix);
  if (tensor == nullptr) {
    raise(ErrorCode::kCorruptData, "{}.{}: missing", module, suffix);
  }
  if (tensor->shape() != shape) {
    raise(ErrorCode::kShapeMismatch,
          "{}.{}: expected shape {}, found {}",
          module,
          suffix,
          shape_text(shape),
          shape_text(tensor->shape()));
  }
}

std::span<const PackedFormat> packed_formats() {
  static const std::array kTable = {gptq_format(),
                                    awq_format(),
                                    bitsandbytes_format(),
                                    compressed_tensors_format(),
                                    hqq_format(),
                                    auto_round_format()};
  return kTable;
}

const PackedFormat* find_packed_format(std::string_view quant_method) noexcept {
  const auto table = packed_formats();
  const auto found = std::ranges::find(table, quant_method, &PackedFormat::quant_method);
  return found == table.end() ? nullptr : &*found;
}

std::vector<std::string_view> format_targets() {
  std::vector<std::string_view> out = {kNibbleTarget};
  for (const PackedFormat& format : packed_formats()) {
    out.insert(out.end(), format.targets.begin(), format.targets.end());
  }
  return out;
}

const PackedFormat& packed_format_of_target(std::string_view target) {
  for (const PackedFormat& format : packed_formats()) {
    if (std::ranges::find(format.targets, target) != format.targets.end()) {
      return format;
    }
  }
  const std::vector<std::string_view> known = format_targets();
  raise(ErrorCode::kInvalidArgument,
        "unknown format '{}'{}; known are {}",
        target,
        did_you_mean(target, known),
        fmt::join(known, ", "));
}

std::unique_ptr<PackedReader> packed_reader_of(const Json& config) {
  const auto settings = config.find("quantization_config");
  if (settings == config.end() || !settings->is_object()) {
    return nullptr;
  }
  const auto method = settings->find("quant_method");
  const PackedFormat* format = method != settings->end() && method->is_string()
                                   ? find_packed_format(method->get_ref<const std::string&>())
                                   : nullptr;
  return format != nullptr ? format->open(*settings) : nullptr;
}

}  // namespace nibble::io
