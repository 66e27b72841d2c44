/// Reads safetensors: a JSON header that says where each tensor lies, then the bytes.
///
/// An opened file can be trusted: tensors have distinct names, lie inside the file, fill it without
/// holes or overlaps, and their bytes agree with dtype and shape.
///
/// Layout     u64 header length, header, data; docs/formats/safetensors.md
/// Threads    immutable after opening
/// Errors     kCorruptData names the tensor and the field; kUnsupported names an unknown dtype
/// Source     the safetensors format; header at most 100 MB as there
#pragma once

#include <cstddef>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"
#include "base/result.h"
#include "tensor/tensor.h"

namespace nibble::io {

inline constexpr std::size_t kMaxSafetensorsHeader = 100'000'000;
/// Of one file; the largest shards have thousands.
inline constexpr std::size_t kMaxSafetensorsTensors = 200'000;
/// Pairs of __metadata__; files have a handful.
inline constexpr std::size_t kMaxSafetensorsPairs = 10'000;

struct SafetensorsEntry {
  std::string name;
  DType dtype = DType::kF32;
  Shape shape;
  std::size_t begin = 0;  ///< of the tensor's bytes, from the start of the file
  std::size_t end = 0;
};

struct SafetensorsHeader {
  std::vector<SafetensorsEntry> entries;  ///< in the order of the data
  std::map<std::string, std::string> metadata;
};

/// Parses the bytes of a whole file.
Result<SafetensorsHeader> parse_safetensors(std::span<const std::byte> file);

class SafetensorsFile {
 public:
  static Result<SafetensorsFile> open(const std::filesystem::path& path);

  [[nodiscard]] const std::vector<SafetensorsEntry>& entries() const noexcept {
    return header_.entries;
  }
  [[nodiscard]] const std::map<std::string, std::string>& metadata() const noexcept {
    return header_.metadata;
  }
  [[nodiscard]] const MappedFile& file() const noexcept { return *file_; }

  /// kNotFound names the nearest tensor.
  [[nodiscard]] Result<Tensor> tensor(std::string_view name) const;
  /// The bytes stay in the mapped file, unless they lie there misaligned for their dtype: then they
  /// are copied.
  [[nodiscard]] Tensor tensor(const SafetensorsEntry& entry) const;

 private:
  SafetensorsFile(std::shared_ptr<const MappedFile> file, SafetensorsHeader header)
      : file_(std::move(file)), header_(std::move(header)) {}
  std::shared_ptr<const MappedFile> file_;
  SafetensorsHeader header_;
};

}  // namespace nibble::io
