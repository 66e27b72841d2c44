#include "base/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace nibble {
namespace {

Failure system_failure(const std::filesystem::path& path, int error) {
  const ErrorCode code = error == ENOENT || error == ENOTDIR ? ErrorCode::kNotFound
                         : error == ENOMEM                   ? ErrorCode::kOutOfMemory
                                                             : ErrorCode::kIo;
  return fail(code, "{}: {}", path.string(), std::strerror(error));
}

struct Descriptor {
  explicit Descriptor(int value) : fd(value) {}
  ~Descriptor() {
    if (fd >= 0) {
      ::close(fd);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int fd;
};

}  // namespace

Result<std::shared_ptr<const MappedFile>> MappedFile::open(const std::filesystem::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd < 0) {
    return system_failure(path, errno);
  }
  struct stat info {};
  if (::fstat(file.fd, &info) != 0) {
    return system_failure(path, errno);
  }
  if (!S_ISREG(info.st_mode)) {
    return fail(ErrorCode::kUnsupported, "{}: not a regular file", path.string());
  }
  const auto size = static_cast<std::size_t>(info.st_size);
  const std::byte* data = nullptr;
  if (size > 0) {
    void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.fd, 0);
    if (address == MAP_FAILED) {  // NOLINT(cppcoreguidelines-pro-type-cstyle-cast)
      return system_failure(path, errno);
    }
    data = static_cast<const std::byte*>(address);
  }
  return std::shared_ptr<const MappedFile>(new MappedFile(path, data, size));
}

MappedFile::~MappedFile() {
  if (size_ > 0) {
    ::munmap(const_cast<std::byte*>(data_), size_);
  }
}

void MappedFile::release_pages() const noexcept {
  if (size_ > 0) {
    ::madvise(const_cast<std::byte*>(data_), size_, MADV_DONTNEED);
  }
}

}  // namespace nibble
