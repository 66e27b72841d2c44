#include "io/spool_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace nibble::io {
namespace {

Failure io_failure(const std::filesystem::path& folder, std::string_view doing) {
  const int error = errno;
  return fail(
      ErrorCode::kIo, "{}: temporary file: {}: {}", folder.string(), doing, std::strerror(error));
}

}  // namespace

Result<SpoolFile> SpoolFile::create(const std::filesystem::path& folder) {
  const std::filesystem::path where = folder.empty() ? "." : folder;
  std::string name = (where / ".nibble-XXXXXX").string();
  const int fd = ::mkostemp(name.data(), O_CLOEXEC);
  if (fd < 0) {
    return io_failure(where, "cannot be created");
  }
  ::unlink(name.c_str());
  return SpoolFile(where, fd);
}

SpoolFile::SpoolFile(SpoolFile&& other) noexcept
    : folder_(std::move(other.folder_)), fd_(other.fd_), size_(other.size_) {
  other.fd_ = -1;
}

SpoolFile::~SpoolFile() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

Result<void> SpoolFile::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno != EINTR) {
      return io_failure(folder_, "write");
    }
    const std::size_t written = n < 0 ? 0 : static_cast<std::size_t>(n);
    bytes = bytes.subspan(written);
    size_ += written;
  }
  return {};
}

Result<void> SpoolFile::read(std::size_t offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ssize_t n = ::pread(fd_, out.data(), out.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) {
      continue;
    }
    if (n <= 0) {
      return io_failure(folder_, n < 0 ? "read" : "ends early");
    }
    out = out.subspan(static_cast<std::size_t>(n));
    offset += static_cast<std::size_t>(n);
  }
  return {};
}

}  // namespace nibble::io
