#include "data/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/hash.h"
#include "support/files.h"

namespace nibble::data {
namespace {

using nibble::testing::TempFolder;
using nibble::testing::write_file;

TEST(Manifest, ReadsBackWhatItWrote) {
  const TempFolder folder;
  EXPECT_TRUE(read_manifest(folder.path()).take().empty());
  const Manifest manifest = {{"a/b c.jsonl", std::string(64, 'a')}, {"d", std::string(64, '0')}};
  write_manifest(folder.path(), manifest).take();
  EXPECT_EQ(read_manifest(folder.path()).take(), manifest);
}

TEST(Manifest, OtherLinesAreRefusedWithTheirNumber) {
  const TempFolder folder;
  const std::vector<std::string> lines = {
      "words", "0123  short", std::string(64, 'G') + "  upper", std::string(64, 'a')};
  for (const std::string& line : lines) {
    write_file(folder / "SHA256SUMS", std::string(64, 'a') + "  fine\n" + line + "\n");
    const auto manifest = read_manifest(folder.path());
    ASSERT_FALSE(manifest) << line;
    EXPECT_THAT(manifest.failure().message, ::testing::HasSubstr("SHA256SUMS:2: no entry"));
  }
}

TEST(Manifest, HashIsThatOfTheBytes) {
  const TempFolder folder;
  const std::string text(200'000, 'x');
  write_file(folder / "f", text);
  EXPECT_EQ(file_hash(folder / "f").take(), sha256_hex(text));
  write_file(folder / "empty", "");
  EXPECT_EQ(file_hash(folder / "empty").take(), sha256_hex(""));
  EXPECT_FALSE(file_hash(folder / "nowhere"));
}

}  // namespace
}  // namespace nibble::data
