#include "data/inventory.h"

#include <gtest/gtest.h>

#include "base/hash.h"
#include "data/manifest.h"
#include "support/files.h"

namespace nibble::data {
namespace {

using nibble::testing::TempFolder;
using nibble::testing::write_file;

TEST(Inventory, SaysWhatIsThereWithHashAndLicence) {
  const TempFolder folder;
  std::filesystem::create_directories(folder / "gsm8k");
  std::filesystem::create_directories(folder / "own/deep");
  write_file(folder / "gsm8k/test.jsonl", "one");
  write_file(folder / "gsm8k/train.jsonl", "two");
  write_file(folder / "gsm8k/train.jsonl.part", "partly");
  write_file(folder / "own/deep/mine.jsonl", "three");
  write_file(folder / "SOURCES.md", "# Sources\n\n## own - mine\n\n- Source: me\n- Licence: CC0\n");
  write_manifest(folder.path(),
                 {{"gsm8k/test.jsonl", sha256_hex("one")}, {"gsm8k/train.jsonl", sha256_hex("2")}})
      .take();
  const auto files = take_inventory(folder.path()).take();
  ASSERT_EQ(files.size(), 3U);
  EXPECT_EQ(files[0].path, "gsm8k/test.jsonl");
  EXPECT_EQ(files[0].sha256, sha256_hex("one"));
  EXPECT_EQ(files[0].known, Known::kSame);
  EXPECT_EQ(files[0].licence, "MIT");  // of the catalog
  EXPECT_EQ(files[1].known, Known::kOther);
  EXPECT_EQ(files[2].path, "own/deep/mine.jsonl");
  EXPECT_EQ(files[2].n_bytes, 5U);
  EXPECT_EQ(files[2].known, Known::kNotListed);
  EXPECT_EQ(files[2].licence, "CC0");
}

TEST(Inventory, ReadsTheSharedFolder) {
  const auto folder = nibble::testing::data_folder();
  if (!folder) {
    GTEST_SKIP() << "needs the folder of evaluation data";
  }
  for (const InventoryFile& file : take_inventory(*folder).take()) {
    EXPECT_EQ(file.known, Known::kSame) << file.path;
    EXPECT_FALSE(file.licence.empty()) << file.path;
  }
}

TEST(Inventory, NoFolderIsNotFound) {
  EXPECT_FALSE(take_inventory("/nowhere/at/all"));
}

}  // namespace
}  // namespace nibble::data
