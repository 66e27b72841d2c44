#include "rag/source/formats.h"

#include <gmock/gmock.h>

#include "support/files.h"

namespace nibble::rag {
namespace {

using nibble::testing::TempFolder;
using nibble::testing::write_file;
using ::testing::HasSubstr;

TEST(Formats, AreFoundByEndingInAnyCase) {
  EXPECT_EQ(find_format("a/b.TXT"), find_format("x.txt"));
  EXPECT_NE(find_format("x.md"), nullptr);
  EXPECT_NE(find_format("x.HTM"), nullptr);
  EXPECT_NE(find_format("x.pdf"), nullptr);
  EXPECT_EQ(find_format("x.docx"), nullptr);
  EXPECT_EQ(find_format("txt"), nullptr);
}

TEST(Formats, PlainTextIsKeptWithoutItsByteOrderMark) {
  EXPECT_EQ(read_plain("\xEF\xBB\xBF a\n b ").text, " a\n b ");
}

TEST(Formats, NameTheFileAndTheByteThatIsNotUtf8) {
  const TempFolder folder;
  write_file(folder / "a.txt", "abc\xff");
  const auto read = read_document(folder / "a.txt", *find_format("a.txt"));
  EXPECT_EQ(read.failure().code, ErrorCode::kCorruptData);
  EXPECT_THAT(read.failure().message, HasSubstr("a.txt: not UTF-8 at byte 3"));
  EXPECT_EQ(read_document(folder / "none.txt", *find_format("a.txt")).failure().code,
            ErrorCode::kNotFound);
}

TEST(Formats, RefuseAFileOfAGigabyteUnread) {
  const TempFolder folder;
  write_file(folder / "a.txt", "");
  std::filesystem::resize_file(folder / "a.txt", std::size_t{1} << 30);  // a hole, no disk
  const auto read = read_document(folder / "a.txt", *find_format("a.txt"));
  EXPECT_EQ(read.failure().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(read.failure().message, HasSubstr("a.txt"));
}

}  // namespace
}  // namespace nibble::rag
