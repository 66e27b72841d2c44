#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>

#include "base/mapped_file.h"

namespace nibble {
namespace {

Failure io_failure(const std::filesystem::path& path, std::string_view doing) {
  const int error = errno;
  return fail(ErrorCode::kIo, "{}: {}: {}", path.string(), doing, std::strerror(error));
}

Failure too_large(const std::filesystem::path& path, std::size_t max_bytes) {
  return fail(ErrorCode::kInvalidArgument,
              "{}: larger than the {} MiB that are read here",
              path.string(),
              max_bytes >> 20);
}

struct GzClose {
  void operator()(gzFile_s* file) const noexcept { gzclose(file); }
};

void sync_folder(const std::filesystem::path& path) {
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) {
    ::fsync(fd);
    ::close(fd);
  }
}

}  // namespace

Result<std::string> read_text_file(const std::filesystem::path& path, std::size_t max_bytes) {
  auto file = MappedFile::open(path);
  if (!file) {
    return file.failure();
  }
  const auto bytes = (*file)->bytes();
  if (bytes.size() > max_bytes) {
    return too_large(path, max_bytes);
  }
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

Result<std::string> read_text_or_gzip(const std::filesystem::path& path, std::size_t max_bytes) {
  if (path.extension() != ".gz") {
    return read_text_file(path, max_bytes);
  }
  auto probe = MappedFile::open(path);
  if (!probe) {
    return probe.failure();
  }
  const std::unique_ptr<gzFile_s, GzClose> file(gzopen(path.c_str(), "rb"));
  if (!file) {
    return io_failure(path, "open");
  }
  std::string text;
  std::array<char, 1 << 16> buffer{};
  for (;;) {
    const int n = gzread(file.get(), buffer.data(), static_cast<unsigned>(buffer.size()));
    if (n < 0) {
      int code = 0;
      return fail(ErrorCode::kCorruptData, "{}: {}", path.string(), gzerror(file.get(), &code));
    }
    if (n == 0) {
      break;
    }
    text.append(buffer.data(), static_cast<std::size_t>(n));
    if (text.size() > max_bytes) {
      return too_large(path, max_bytes);
    }
  }
  int code = Z_OK;
  const char* why = gzerror(file.get(), &code);
  if (code != Z_OK) {  // a stream that ends early reads as a short file otherwise
    return fail(ErrorCode::kCorruptData, "{}: {}", path.string(), why);
  }
  return text;
}

AtomicFile::AtomicFile(std::filesystem::path path, std::filesystem::path temporary, int fd)
    : path_(std::move(path)), temporary_(std::move(temporary)), fd_(fd) {}

AtomicFile::AtomicFile(AtomicFile&& other) noexcept
    : path_(std::move(other.path_)), temporary_(std::move(other.temporary_)), fd_(other.fd_) {
  other.fd_ = -1;
  other.temporary_.clear();
}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
  if (!temporary_.empty()) {
    ::unlink(temporary_.c_str());
  }
}

Result<AtomicFile> AtomicFile::create(const std::filesystem::path& path) {
  std::filesystem::path temporary = path;
  temporary += fmt::format(".tmp.{}", ::getpid());
  const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (fd < 0) {
    return io_failure(path, "cannot be created");
  }
  return AtomicFile(path, std::move(temporary), fd);
}

Result<void> AtomicFile::write(std::span<const std::byte> data) {
  while (!data.empty()) {
    const ssize_t n = ::write(fd_, data.data(), data.size());
    if (n < 0) {
      if (errno == EINTR) {
        continue;
      }
      return io_failure(path_, "write");
    }
    data = data.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

Result<void> AtomicFile::commit() {
  if (::fsync(fd_) != 0) {
    return io_failure(path_, "fsync");
  }
  const int fd = fd_;
  fd_ = -1;
  if (::close(fd) != 0) {
    return io_failure(path_, "close");
  }
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
    return io_failure(path_, "rename");
  }
  temporary_.clear();
  sync_folder(path_);
  return {};
}

Result<void> replace_folder(const std::filesystem::path& finished,
                            const std::filesystem::path& target) {
  std::error_code ignored;
  if (::renameat2(AT_FDCWD, finished.c_str(), AT_FDCWD, target.c_str(), RENAME_EXCHANGE) == 0) {
    std::filesystem::remove_all(finished, ignored);  // now the old one
    return {};
  }
  if (errno != EINVAL && errno != ENOSYS) {
    return io_failure(target, "cannot be replaced");
  }
  std::filesystem::path old = target;
  old += fmt::format(".old.{}", ::getpid());
  if (::rename(target.c_str(), old.c_str()) != 0) {
    return io_failure(target, "cannot be moved aside");
  }
  if (::rename(finished.c_str(), target.c_str()) != 0) {
    auto failure = io_failure(target, "cannot be replaced");
    ::rename(old.c_str(), target.c_str());
    return failure;
  }
  std::filesystem::remove_all(old, ignored);
  return {};
}

Result<void> write_file_atomic(const std::filesystem::path& path, std::string_view text) {
  auto file = AtomicFile::create(path);
  if (!file) {
    return file.failure();
  }
  if (auto written = file->write(text); !written) {
    return written;
  }
  return file->commit();
}

}  // namespace nibble
