/// A nameless temporary file: written once from front to back, then read anywhere, gone when
/// closed.
///
/// Errors     kIo with the folder and the system's reason
/// Source     our own
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

#include "base/result.h"

namespace nibble::io {

class SpoolFile {
 public:
  /// In `folder`, so that it uses the disk that the caller writes to; without a name, so that a
  /// killed program leaves nothing.
  static Result<SpoolFile> create(const std::filesystem::path& folder);
  SpoolFile(SpoolFile&& other) noexcept;
  SpoolFile& operator=(SpoolFile&&) = delete;
  ~SpoolFile();

  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  Result<void> append(std::span<const std::byte> bytes);
  /// Fills `out` from `offset`. Requires offset + out.size() <= size().
  Result<void> read(std::size_t offset, std::span<std::byte> out) const;

 private:
  SpoolFile(std::filesystem::path folder, int fd) : folder_(std::move(folder)), fd_(fd) {}
  std::filesystem::path folder_;
  int fd_;
  std::size_t size_ = 0;
};

}  // namespace nibble::io
