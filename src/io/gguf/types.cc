#include "io/gguf/types.h"

#include <algorithm>
#include <array>
#include <string>

#include "codec/gguf_blocks.h"

namespace nibble::io {
namespace {

struct Row {
  std::uint32_t id;
  std::string_view name;
  std::optional<DType> dtype = std::nullopt;
};

/// Every type that a file may name. Those without a dtype are read where codec/ has their blocks.
constexpr std::array kTypes = {
    Row{0, "F32", DType::kF32},
    Row{1, "F16", DType::kF16},
    Row{2, "Q4_0"},
    Row{3, "Q4_1"},
    Row{6, "Q5_0"},
    Row{7, "Q5_1"},
    Row{8, "Q8_0"},
    Row{9, "Q8_1"},
    Row{10, "Q2_K"},
    Row{11, "Q3_K"},
    Row{12, "Q4_K"},
    Row{13, "Q5_K"},
    Row{14, "Q6_K"},
    Row{15, "Q8_K"},
    Row{16, "IQ2_XXS"},
    Row{17, "IQ2_XS"},
    Row{18, "IQ3_XXS"},
    Row{19, "IQ1_S"},
    Row{20, "IQ4_NL"},
    Row{21, "IQ3_S"},
    Row{22, "IQ2_S"},
    Row{23, "IQ4_XS"},
    Row{24, "I8", DType::kI8},
    Row{25, "I16", DType::kI16},
    Row{26, "I32", DType::kI32},
    Row{27, "I64", DType::kI64},
    Row{28, "F64", DType::kF64},
    Row{29, "IQ1_M"},
    Row{30, "BF16", DType::kBF16},
    Row{34, "TQ1_0"},
    Row{35, "TQ2_0"},
    Row{39, "MXFP4"},
    Row{40, "NVFP4"},
    Row{41, "Q1_0"},
    Row{42, "Q2_0"},
};

std::string codec_name(std::string_view type_name) {
  std::string name(type_name);
  std::ranges::transform(name, name.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return name;
}

}  // namespace

Result<GgufType> gguf_type(std::uint32_t id) {
  const auto row = std::ranges::find(kTypes, id, &Row::id);
  if (row == kTypes.end()) {
    return fail(ErrorCode::kUnsupported, "unknown tensor type {}", id);
  }
  GgufType type{row->name, row->dtype, nullptr};
  if (!type.dtype) {
    type.blocks = codec::gguf_block_codec(codec_name(row->name));
    if (!type.blocks) {
      return fail(ErrorCode::kUnsupported,
                  "tensor type {} is not supported; F32, F16, BF16, Q4_0 to Q8_0, Q2_K to Q6_K, "
                  "IQ4_NL and IQ4_XS are",
                  row->name);
    }
  }
  return type;
}

Result<std::uint32_t> gguf_type_id(std::string_view codec) {
  const auto row = std::ranges::find_if(
      kTypes, [&](const Row& candidate) { return codec_name(candidate.name) == codec; });
  if (row == kTypes.end()) {
    return fail(ErrorCode::kUnsupported, "GGUF has no type for what codec '{}' stores", codec);
  }
  return row->id;
}

}  // namespace nibble::io
