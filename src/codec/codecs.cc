#include "codec/codecs.h"

#include <array>
#include <vector>

#include "base/suggest.h"
#include "codec/dense.h"
#include "codec/gguf_blocks.h"
#include "codec/int_group.h"
#include "codec/nf4.h"

namespace nibble::codec {
namespace {

constexpr std::array<std::string_view, 3> kDenseNames = {"f32", "f16", "bf16"};

std::shared_ptr<const Codec> parse_dense(std::string_view name) {
  constexpr std::array kDTypes = {DType::kF32, DType::kF16, DType::kBF16};
  for (std::size_t i = 0; i < kDenseNames.size(); ++i) {
    if (name == kDenseNames[i]) {
      return dense_codec(kDTypes[i]);
    }
  }
  return nullptr;
}

std::shared_ptr<const Codec> parse_gguf(std::string_view name) {
  return gguf_block_codec(name);
}

constexpr std::array<std::string_view, 7> kIntGroupNames = {
    "int8cs", "int4g64a", "int4g128s", "int4g128pah", "int3g64fh", "int2g16f", "int5g32ah"};

std::shared_ptr<const Codec> parse_int_group(std::string_view name) {
  const auto format = int_group_from_name(name);
  return format ? int_group_codec(*format) : nullptr;
}

constexpr std::array<std::string_view, 4> kCodebookNames = {
    "nf4b64", "nf4b64dq", "fp4b64", "fp4b64dq"};

std::shared_ptr<const Codec> parse_codebook(std::string_view name) {
  const auto format = codebook_from_name(name);
  return format ? codebook_codec(*format) : nullptr;
}

}  // namespace

std::span<const CodecRow> codec_table() {
  static const std::array kTable = {
      CodecRow{"f32, f16, bf16", kDenseNames, &parse_dense},
      CodecRow{"the block types of GGUF", gguf_block_names(), &parse_gguf},
      CodecRow{"int<bits>(g<group>[p]|c)(s|a|f)[h]", kIntGroupNames, &parse_int_group},
      CodecRow{"(nf4|fp4)b<block>[dq]", kCodebookNames, &parse_codebook},
  };
  return kTable;
}

Result<std::shared_ptr<const Codec>> codec_from_name(std::string_view name) {
  std::vector<std::string_view> known;
  for (const CodecRow& row : codec_table()) {
    if (auto codec = row.parse(name)) {
      return codec;
    }
    known.insert(known.end(), row.examples.begin(), row.examples.end());
  }
  return fail(ErrorCode::kUnsupported, "unknown codec '{}'{}", name, did_you_mean(name, known));
}

}  // namespace nibble::codec
