/// The directory of a GGUF file: its metadata and where each tensor lies.
///
/// Every count, length, offset and product is checked against the file before it is used, so the
/// directory of a parsed file can be trusted: tensors lie inside the file, are aligned, do not
/// overlap and have distinct names.
///
/// Layout     docs/formats/gguf.md; versions 2 and 3, little-endian
/// Errors     kCorruptData with field and byte offset; kUnsupported for other versions and types
/// Source     the GGUF specification of ggml
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "io/checkpoint.h"
#include "io/gguf/types.h"
#include "tensor/tensor.h"

namespace nibble::io {

/// Bounds on what a file may claim. A real file with the largest vocabularies stays far below them.
struct GgufLimits {
  static constexpr std::size_t kKeys = 65'536;
  static constexpr std::size_t kTensors = 65'536;
  static constexpr std::size_t kDimensions = 4;
  static constexpr std::size_t kNameBytes = 65'535;
  static constexpr std::size_t kStringBytes = std::size_t{64} << 20;
  static constexpr std::size_t kArrayElements = std::size_t{1} << 21;  ///< of all arrays together
  static constexpr std::size_t kMinAlignment = 8;
  static constexpr std::size_t kMaxAlignment = 65'536;
};

struct GgufTensor {
  std::string name;
  Shape shape;  ///< outermost first
  GgufType type;
  std::size_t offset = 0;  ///< from the start of the file
  std::size_t n_bytes = 0;
};

/// Parses the bytes of a file. `metadata` receives an object of all key/value pairs.
Result<std::vector<GgufTensor>> parse_gguf(std::span<const std::byte> file, Json& metadata);

Result<std::unique_ptr<Checkpoint>> open_gguf(const std::filesystem::path& path);

}  // namespace nibble::io
