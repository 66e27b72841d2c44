/// The tensor types of GGUF: from the number in the file to how its bytes are read.
///
/// Errors     kUnsupported names a type that is known but not read here, or the number of an
///            unknown one
/// Source     ggml_type; docs/formats/gguf.md
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "codec/block_codec.h"

namespace nibble::io {

/// Exactly one of `dtype` and `blocks` is set.
struct GgufType {
  std::string_view name;                            ///< "Q4_K", as ggml prints it
  std::optional<DType> dtype;                       ///< plain elements
  std::shared_ptr<const codec::BlockCodec> blocks;  ///< quantized blocks

  /// Weights and bytes of the unit that a row consists of; {1, 4} for F32.
  [[nodiscard]] codec::BlockSize unit() const noexcept {
    return dtype ? codec::BlockSize{1, dtype_bytes(*dtype)} : blocks->block();
  }
};

Result<GgufType> gguf_type(std::uint32_t id);

/// The number of the type that stores what codec "q4_k" or "bf16" stores; kUnsupported for codecs
/// that no GGUF type has.
Result<std::uint32_t> gguf_type_id(std::string_view codec_name);

}  // namespace nibble::io
