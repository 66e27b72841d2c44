#include "io/spool_file.h"

#include <gtest/gtest.h>

#include "support/files.h"

namespace nibble::io {
namespace {

std::span<const std::byte> as_span(std::string_view text) {
  return std::as_bytes(std::span(text));
}

TEST(SpoolFile, ReadsBackFromAnywhereAndLeavesNoName) {
  const testing::TempFolder folder;
  auto spool = SpoolFile::create(folder.path()).take();
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
  spool.append(as_span("hello ")).take();
  spool.append(as_span("world")).take();
  EXPECT_EQ(spool.size(), 11U);
  std::string out(5, ' ');
  spool.read(6, std::as_writable_bytes(std::span(out))).take();
  EXPECT_EQ(out, "world");
}

TEST(SpoolFile, ReadingPastTheEndFails) {
  const testing::TempFolder folder;
  auto spool = SpoolFile::create(folder.path()).take();
  spool.append(as_span("abc")).take();
  std::string out(5, ' ');
  const auto read = spool.read(1, std::as_writable_bytes(std::span(out)));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.failure().code, ErrorCode::kIo);
}

TEST(SpoolFile, AFolderThatIsNotThereIsNamed) {
  const testing::TempFolder folder;
  const auto spool = SpoolFile::create(folder / "none");
  ASSERT_FALSE(spool);
  EXPECT_EQ(spool.failure().code, ErrorCode::kIo);
  EXPECT_NE(spool.failure().message.find("none: temporary file: cannot be created"),
            std::string::npos);
}

}  // namespace
}  // namespace nibble::io
