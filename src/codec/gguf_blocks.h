/// The block types of GGUF, by their lower-case ggml names.
///
///   32 weights:   q4_0 q4_1 q5_0 q5_1 q8_0 iq4_nl
///   256 weights:  q2_k q3_k q4_k q5_k q6_k iq4_xs
///
/// Layout     docs/formats/gguf-blocks.md, field by field
/// Errors     an unknown name gives nullptr
/// Source     ggml (block_q4_0 … block_iq4_xs); read from the published layouts
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "codec/block_codec.h"

namespace nibble::codec {

std::shared_ptr<const BlockCodec> gguf_block_codec(std::string_view name);

/// All names that gguf_block_codec knows.
std::span<const std::string_view> gguf_block_names() noexcept;

}  // namespace nibble::codec
