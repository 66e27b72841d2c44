/// Keeps a second process out of a folder of work: the lock of one file in it, for as long as the
/// object lives. The kernel releases it however the process ends; the file stays.
///
/// Two objects exclude each other within one process, too. The folder may be removed by the holder:
/// who waits for nothing and comes then makes it anew.
///
/// Threads    any
/// Errors     kIo: the folder cannot be made, or someone else holds it (`holder` says who that is,
///            such as "another study is running in this folder")
/// Source     flock(2); on network file systems it is as good as theirs
#pragma once

#include <filesystem>
#include <string_view>

namespace nibble {

class FolderLock {
 public:
  /// Makes the folder where it is missing, and the file `name` in it.
  FolderLock(const std::filesystem::path& folder, std::string_view name, std::string_view holder);
  ~FolderLock();
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int fd_ = -1;
};

}  // namespace nibble
