#include "data/text_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "base/hash.h"
#include "support/files.h"

namespace nibble::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(TextFile, ReadsTextWithTheHashOfTheFile) {
  const testing::TempFolder folder;
  testing::write_file(folder / "a.txt", "h\xC3\xA9\n");
  const TextFile file = read_text(folder / "a.txt").take();
  EXPECT_EQ(file.text, "h\xC3\xA9\n");
  EXPECT_EQ(file.sha256, sha256_hex("h\xC3\xA9\n"));
}

TEST(TextFile, InflatesGzipButHashesWhatLiesOnDisk) {
  const testing::TempFolder folder;
  const std::filesystem::path path = folder / "a.txt.gz";
  gzFile gz = gzopen(path.c_str(), "wb");
  gzputs(gz, "inflated\n");
  gzclose(gz);
  const TextFile file = read_text(path).take();
  EXPECT_EQ(file.text, "inflated\n");
  EXPECT_EQ(file.sha256, sha256_hex(testing::read_file(path)));
  testing::write_file(path, testing::read_file(path).substr(0, 20));
  EXPECT_EQ(read_text(path).failure().code, ErrorCode::kCorruptData);
}

TEST(TextFile, RefusesWhatIsNotText) {
  const testing::TempFolder folder;
  testing::write_file(folder / "bad.txt", "abc\xFF");
  EXPECT_THAT(read_text(folder / "bad.txt").failure().message,
              HasSubstr("bad.txt: not UTF-8 at byte 3"));
  testing::write_file(folder / "empty.txt", "");
  EXPECT_THAT(read_text(folder / "empty.txt").failure().message, HasSubstr("empty.txt: empty"));
  EXPECT_EQ(read_text(folder / "none.txt").failure().code, ErrorCode::kNotFound);
  EXPECT_FALSE(read_text(folder.path()));
}

TEST(TextFile, SplitsLines) {
  EXPECT_THAT(split_lines("a\n\nb\r\n"), ElementsAre("a", "", "b\r"));
  EXPECT_THAT(split_lines("a\nb"), ElementsAre("a", "b"));
  EXPECT_TRUE(split_lines("").empty());
}

}  // namespace
}  // namespace nibble::data
