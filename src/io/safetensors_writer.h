/// Writes safetensors, one tensor at a time, without holding them in memory.
///
/// The header stands before the data and names every tensor, so the data wait in a nameless
/// temporary file on the same disk; `finish` writes the header and copies them behind it. For that
/// moment the disk holds the tensors twice. Who waits for a value of the metadata whose length is
/// known copies them before, with `lay_out`.
///
/// Layout     names in the header sorted; data by element size (largest first), then name, so that
///            every tensor is aligned; header padded with blanks to a multiple of 8. The bytes do
///            not depend on the order of `add`.
/// Errors     kInvalidArgument for a name used twice or "__metadata__"; kIo. Nothing stands under
///            the final name before `finish` has succeeded
/// Source     the safetensors format
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/file.h"
#include "base/result.h"
#include "io/safetensors.h"
#include "io/spool_file.h"
#include "tensor/tensor.h"

namespace nibble::io {

class SafetensorsWriter {
 public:
  static Result<SafetensorsWriter> create(const std::filesystem::path& path);

  Result<void> add(std::string_view name, const Tensor& tensor);
  /// A pair of the header's __metadata__; replaces an earlier value.
  void set_metadata(std::string key, std::string value) {
    metadata_[std::move(key)] = std::move(value);
  }
  /// Writes all of the file, with the metadata as they are, and flushes it; nothing may be added
  /// behind. Metadata that make a header of the same length then cost `finish` the header alone.
  Result<void> lay_out();
  /// Publishes the file; the writer is spent.
  Result<void> finish();

 private:
  SafetensorsWriter(std::filesystem::path path, SpoolFile spool)
      : path_(std::move(path)), spool_(std::move(spool)) {}

  std::filesystem::path path_;
  SpoolFile spool_;
  std::map<std::string, SafetensorsEntry, std::less<>>
      entries_;  ///< offsets are those in the spool
  std::map<std::string, std::string> metadata_;
  std::optional<AtomicFile> laid_out_;
  std::string header_;  ///< of the file laid out
};

}  // namespace nibble::io
