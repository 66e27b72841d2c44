#include "base/folder_lock.h"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "support/files.h"

namespace nibble {
namespace {

namespace fs = std::filesystem;
using nibble::testing::TempFolder;
using ::testing::HasSubstr;

constexpr std::string_view kHolder = "somebody works here";

/// What locking says; "" when it is granted (and given back at once).
std::string lock_failure(const fs::path& folder) {
  try {
    const FolderLock lock(folder, "work.lock", kHolder);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
    return error.what();
  }
  return {};
}

TEST(FolderLock, KeepsTheSecondOutUntilTheFirstIsGone) {
  const TempFolder folder;
  const fs::path job = folder / "deep" / "job";
  {
    const FolderLock lock(job, "work.lock", kHolder);
    EXPECT_TRUE(fs::exists(job / "work.lock"));
    EXPECT_EQ(lock_failure(job), job.string() + ": somebody works here");
    EXPECT_EQ(lock_failure(folder / "other"), "");
  }
  EXPECT_EQ(lock_failure(job), "");
}

TEST(FolderLock, IsFreeWhenItsProcessIsKilled) {
  const TempFolder folder;
  int ready[2];
  ASSERT_EQ(::pipe(ready), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const FolderLock lock(folder / "job", "work.lock", kHolder);
    const char byte = 1;
    if (::write(ready[1], &byte, 1) == 1) {
      ::pause();
    }
    std::_Exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  EXPECT_THAT(lock_failure(folder / "job"), HasSubstr(kHolder));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_EQ(lock_failure(folder / "job"), "");
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(FolderLock, AFolderRemovedByItsHolderIsMadeAnew) {
  const TempFolder folder;
  const FolderLock first(folder / "job", "work.lock", kHolder);
  fs::remove_all(folder / "job");
  const FolderLock second(folder / "job", "work.lock", kHolder);
  EXPECT_THAT(lock_failure(folder / "job"), HasSubstr(kHolder));
}

TEST(FolderLock, APlaceThatIsNoFolderIsNamed) {
  const TempFolder folder;
  nibble::testing::write_file(folder / "file", "x");
  EXPECT_THAT(lock_failure(folder / "file" / "job"), HasSubstr("cannot create the folder"));
}

}  // namespace
}  // namespace nibble
