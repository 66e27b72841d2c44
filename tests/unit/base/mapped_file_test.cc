#include "base/mapped_file.h"

#include <gtest/gtest.h>

#include "support/files.h"

namespace nibble {
namespace {

using testing::TempFolder;

TEST(MappedFile, HoldsTheBytes) {
  const TempFolder folder;
  testing::write_file(folder / "a", "abc");
  const auto file = MappedFile::open(folder / "a").take();
  EXPECT_EQ(file->bytes().size(), 3U);
  EXPECT_EQ(file->bytes()[2], std::byte{'c'});
  file->release_pages();
  EXPECT_EQ(file->bytes()[0], std::byte{'a'});
}

TEST(MappedFile, EmptyFilesAreFine) {
  const TempFolder folder;
  testing::write_file(folder / "a", "");
  EXPECT_TRUE(MappedFile::open(folder / "a").take()->bytes().empty());
}

TEST(MappedFile, MissingFilesAndFoldersAreToldApart) {
  const TempFolder folder;
  EXPECT_EQ(MappedFile::open(folder / "no").failure().code, ErrorCode::kNotFound);
  EXPECT_EQ(MappedFile::open(folder.path()).failure().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace nibble
