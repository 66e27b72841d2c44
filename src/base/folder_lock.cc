#include "base/folder_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "base/error.h"

namespace nibble {
namespace {

namespace fs = std::filesystem;

void make_folder(const fs::path& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    raise(ErrorCode::kIo, "{}: cannot create the folder: {}", folder.string(), error.message());
  }
}

/// Whether `path` still names the open file: its holder may have removed both between our opening
/// and our locking, and then someone else may lock the new one.
bool is_in_place(int fd, const fs::path& path) {
  struct stat open_file = {};
  struct stat named = {};
  return ::fstat(fd, &open_file) == 0 && ::stat(path.c_str(), &named) == 0 &&
         open_file.st_dev == named.st_dev && open_file.st_ino == named.st_ino;
}

}  // namespace

FolderLock::FolderLock(const fs::path& folder, std::string_view name, std::string_view holder) {
  const fs::path path = folder / name;
  for (;;) {
    make_folder(folder);
    fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd_ < 0) {
      if (errno == ENOENT) {
        continue;  // the folder was removed by its last holder
      }
      raise(ErrorCode::kIo, "{}: {}", path.string(), std::strerror(errno));
    }
    if (::flock(fd_, LOCK_EX | LOCK_NB) != 0) {
      const int reason = errno;
      ::close(fd_);
      if (reason == EWOULDBLOCK) {
        raise(ErrorCode::kIo, "{}: {}", folder.string(), holder);
      }
      raise(ErrorCode::kIo, "{}: cannot be locked: {}", path.string(), std::strerror(reason));
    }
    if (is_in_place(fd_, path)) {
      return;
    }
    ::close(fd_);
  }
}

FolderLock::~FolderLock() {
  ::close(fd_);
}

}  // namespace nibble
