/// Small files read whole and files published whole: a result file is complete or absent.
///
/// Errors     kNotFound, kIo (path and system's reason), kInvalidArgument when a file is larger
/// than the caller's bound
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/function_ref.h"
#include "base/result.h"

namespace nibble {

/// Default bound for text files that are read whole: tokenizer.json of the largest vocabularies is
/// about 35 MB.
inline constexpr std::size_t kMaxTextBytes = std::size_t{512} << 20;

Result<std::string> read_text_file(const std::filesystem::path& path,
                                   std::size_t max_bytes = kMaxTextBytes);

/// As read_text_file, and inflates gzip content (name ends in ".gz"); `max_bytes` bounds the
/// inflated size.
Result<std::string> read_text_or_gzip(const std::filesystem::path& path,
                                      std::size_t max_bytes = kMaxTextBytes);

/// Writes sequentially into a file that is not yet visible under its final name.
class AtomicFile {
 public:
  /// Creates `path` + ".tmp.<pid>" in the same folder. `path` may exist; it is replaced on commit.
  static Result<AtomicFile> create(const std::filesystem::path& path);
  AtomicFile(AtomicFile&& other) noexcept;
  AtomicFile& operator=(AtomicFile&&) = delete;
  ~AtomicFile();  ///< removes the temporary file unless committed

  Result<void> write(std::span<const std::byte> data);
  Result<void> write(std::string_view text) { return write(std::as_bytes(std::span(text))); }
  /// fsync, rename over `path`, fsync of the folder.
  Result<void> commit();

 private:
  AtomicFile(std::filesystem::path path, std::filesystem::path temporary, int fd);
  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int fd_;
};

/// Puts the folder `finished` in the place of `target`, which is removed. At any moment `target` is
/// one of the two, whole; where the file system cannot exchange names, it may be absent for an
/// instant, and a failure puts the old one back.
Result<void> replace_folder(const std::filesystem::path& finished,
                            const std::filesystem::path& target);

Result<void> write_file_atomic(const std::filesystem::path& path, std::string_view text);

}  // namespace nibble
