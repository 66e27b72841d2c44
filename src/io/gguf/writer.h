/// Writes a GGUF file, one tensor at a time, without holding them in memory.
///
/// The directory stands before the data and names every tensor, so the data wait in a nameless
/// temporary file on the same disk; `finish` writes the directory and copies them behind it.
///
/// Layout     version 3, little-endian, alignment 32, pairs and tensors in the order of the calls;
///            docs/formats/gguf.md
/// Errors     kInvalidArgument for names used twice; kUnsupported for codecs that no GGUF type has;
///            kIo. Nothing stands under the final name before `finish` has succeeded
/// Source     the GGUF specification of ggml
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "io/checkpoint.h"
#include "io/spool_file.h"

namespace nibble::io {

/// A value of the file's metadata; its C++ type is its type there.
using GgufValue = std::variant<std::uint32_t,
                               std::int32_t,
                               float,
                               bool,
                               std::string,
                               std::vector<std::string>,
                               std::vector<float>,
                               std::vector<std::int32_t>>;
using GgufPairs = std::vector<std::pair<std::string, GgufValue>>;

class GgufWriter {
 public:
  static Result<GgufWriter> create(const std::filesystem::path& path);

  Result<void> set(std::string_view key, const GgufValue& value);
  /// A plain matrix of any shape, or one of blocks.
  Result<void> add_tensor(const StoredTensor& tensor);
  /// Publishes the file; the writer is spent.
  Result<void> finish();

 private:
  struct Entry {
    std::string name;
    Shape shape;
    std::uint32_t type = 0;
    std::size_t offset = 0;
  };

  GgufWriter(std::filesystem::path path, SpoolFile spool)
      : path_(std::move(path)), spool_(std::move(spool)) {}
  [[nodiscard]] std::string directory() const;
  Result<void> pad();

  std::filesystem::path path_;
  SpoolFile spool_;
  std::vector<std::string> keys_;
  std::string pairs_;  ///< as in the file
  std::vector<Entry> entries_;
};

}  // namespace nibble::io
