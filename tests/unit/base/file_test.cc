#include "base/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "support/files.h"

namespace nibble {
namespace {

using ::testing::HasSubstr;
using testing::TempFolder;

void write_gzip(const std::filesystem::path& path, std::string_view text) {
  gzFile file = gzopen(path.c_str(), "wb");
  ASSERT_EQ(gzwrite(file, text.data(), static_cast<unsigned>(text.size())),
            static_cast<int>(text.size()));
  gzclose(file);
}

TEST(ReadTextFile, ReadsWhatIsThereAndNamesWhatIsNot) {
  const TempFolder folder;
  testing::write_file(folder / "a", "text");
  EXPECT_EQ(read_text_file(folder / "a").take(), "text");
  const auto missing = read_text_file(folder / "b");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.failure().code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.failure().message, HasSubstr((folder / "b").string()));
}

TEST(ReadTextFile, RefusesMoreThanTheBound) {
  const TempFolder folder;
  testing::write_file(folder / "a", "12345");
  EXPECT_TRUE(read_text_file(folder / "a", 5));
  EXPECT_EQ(read_text_file(folder / "a", 4).failure().code, ErrorCode::kInvalidArgument);
}

TEST(ReadTextOrGzip, Inflates) {
  const TempFolder folder;
  write_gzip(folder / "a.gz", "hello");
  EXPECT_EQ(read_text_or_gzip(folder / "a.gz").take(), "hello");
  testing::write_file(folder / "plain", "x");
  EXPECT_EQ(read_text_or_gzip(folder / "plain").take(), "x");
}

TEST(ReadTextOrGzip, RefusesATruncatedStreamAndABomb) {
  const TempFolder folder;
  write_gzip(folder / "a.gz", std::string(100000, 'a'));
  const std::string whole = testing::read_file(folder / "a.gz");
  testing::write_file(folder / "cut.gz", whole.substr(0, whole.size() - 9));
  EXPECT_EQ(read_text_or_gzip(folder / "cut.gz").failure().code, ErrorCode::kCorruptData);
  EXPECT_EQ(read_text_or_gzip(folder / "a.gz", 1000).failure().code, ErrorCode::kInvalidArgument);
}

TEST(AtomicFile, AppearsOnCommitOnly) {
  const TempFolder folder;
  const auto path = folder / "out";
  {
    AtomicFile file = AtomicFile::create(path).take();
    ASSERT_TRUE(file.write("half"));
    EXPECT_FALSE(std::filesystem::exists(path));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path())) << "the temporary file was left behind";
  ASSERT_TRUE(write_file_atomic(path, "whole"));
  EXPECT_EQ(testing::read_file(path), "whole");
  ASSERT_TRUE(write_file_atomic(path, "new"));
  EXPECT_EQ(testing::read_file(path), "new");
}

TEST(ReplaceFolder, TheNewOneStandsInThePlaceOfTheOld) {
  const TempFolder folder;
  std::filesystem::create_directory(folder / "old");
  std::filesystem::create_directory(folder / "new");
  testing::write_file(folder / "old/a", "before");
  testing::write_file(folder / "new/b", "after");
  ASSERT_TRUE(replace_folder(folder / "new", folder / "old"));
  EXPECT_EQ(testing::read_file(folder / "old/b"), "after");
  EXPECT_FALSE(std::filesystem::exists(folder / "old/a"));
  EXPECT_FALSE(std::filesystem::exists(folder / "new"));
}

TEST(ReplaceFolder, AFailureLeavesTheOldOne) {
  const TempFolder folder;
  std::filesystem::create_directory(folder / "old");
  testing::write_file(folder / "old/a", "before");
  const auto failed = replace_folder(folder / "absent", folder / "old");
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.failure().code, ErrorCode::kIo);
  EXPECT_EQ(testing::read_file(folder / "old/a"), "before");
}

TEST(AtomicFile, FullDiskIsAnInputOutputFailure) {
  const auto file = write_file_atomic("/dev/full/x", "x");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.failure().code, ErrorCode::kIo);
}

TEST(AtomicFile, MissingFolderIsNamed) {
  const TempFolder folder;
  const auto file = AtomicFile::create(folder / "no/such/file");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.failure().code, ErrorCode::kIo);
  EXPECT_THAT(file.failure().message, HasSubstr("no/such/file"));
}

}  // namespace
}  // namespace nibble
