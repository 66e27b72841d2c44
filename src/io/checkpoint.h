/// A model file of any container as named tensors and metadata; knows no architecture.
///
/// Threads    immutable after opening
/// Errors     kNotFound, kCorruptData (field and offset named), kUnsupported (an unknown type is
///            named)
/// Source     GGUF: docs/formats/gguf.md; safetensors: docs/formats/safetensors.md
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "codec/codec.h"
#include "tensor/tensor.h"

namespace nibble::io {

/// One tensor of a file. Vectors are matrices of one row. The bytes stay in the mapped file.
struct StoredTensor {
  std::string name;
  Shape shape;                  ///< outermost first
  codec::EncodedMatrix matrix;  ///< all leading dimensions folded into rows
};

enum class Container : std::uint8_t { kGguf, kHuggingFace };

class Checkpoint {
 public:
  virtual ~Checkpoint() = default;

  [[nodiscard]] virtual Container container() const noexcept = 0;
  [[nodiscard]] virtual const std::filesystem::path& path() const noexcept = 0;
  /// Names in file order.
  [[nodiscard]] virtual std::vector<std::string> names() const = 0;
  [[nodiscard]] virtual bool has(std::string_view name) const = 0;
  /// kNotFound names the nearest tensor.
  [[nodiscard]] virtual Result<StoredTensor> tensor(std::string_view name) const = 0;
  /// GGUF: an object of all key/value pairs. Hugging Face: the content of config.json.
  [[nodiscard]] virtual const Json& metadata() const noexcept = 0;
  /// A companion text file of a folder ("tokenizer.json"); kNotFound for GGUF and where absent.
  [[nodiscard]] virtual Result<std::string> companion(std::string_view file_name) const = 0;
  /// Bytes of the weight files on disk.
  [[nodiscard]] virtual std::size_t file_bytes() const noexcept = 0;
  /// SHA-256 of all weight files and config.json; read once, then remembered.
  [[nodiscard]] virtual std::string hash() const = 0;
  /// What was read of the weight files need not stay in memory; it is read again on the next touch.
  virtual void release_pages() const noexcept = 0;
};

/// Opens a `.gguf` file or a Hugging Face folder (also one that nibble wrote).
Result<std::unique_ptr<Checkpoint>> open_checkpoint(const std::filesystem::path& path);

}  // namespace nibble::io
