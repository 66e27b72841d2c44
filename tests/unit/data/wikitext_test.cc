#include "data/wikitext.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/hash.h"
#include "support/files.h"

namespace nibble::data {
namespace {

using ::testing::ElementsAre;

constexpr std::string_view kRaw =
    " \n = A = \n \n text one . \n = = S = = \n more \n \n = B = \n x \n";

TEST(Wikitext, RowsAreJoinedByTwoLineEnds) {
  EXPECT_EQ(join_wikitext_rows(" \n = A = \n \nx"), "\n\n = A = \n\n\n\n\nx");
  EXPECT_EQ(join_wikitext_rows("a\nb\n"), "a\n\n\nb\n");
}

TEST(Wikitext, PagesBeginAtTitlesOnly) {
  EXPECT_THAT(split_wikitext_pages(kRaw),
              ElementsAre(" = A = \n \n text one . \n = = S = = \n more \n ", " = B = \n x \n"));
}

TEST(Wikitext, DeeperHeadingsAndFormulasAreNotTitles) {
  for (const std::string_view line :
       {" = = = T = = = \n", " = = = = T = = = = \n", " a = b \n", " = x \n", " = = \n"}) {
    EXPECT_EQ(split_wikitext_pages(std::string(" = A = \n") + std::string(line)).size(), 1U)
        << line;
  }
}

TEST(Wikitext, TextBeforeTheFirstTitleIsAPage) {
  EXPECT_EQ(split_wikitext_pages("intro \n = A = \n").size(), 2U);
}

TEST(Wikitext, TheOfficialTestFileGivesTheReferenceText) {
  NIBBLE_NEEDS_FILE(folder, testing::data_folder());
  const TextFile file = wikitext_rows_text(folder / "wikitext2/wiki.test.raw").take();
  EXPECT_EQ(file.sha256, "173c87a53759e0201f33e0ccf978e510c2042d7f2cb78229d9a50d79b9e7dd08");
  // Made by "\n\n".join(…) in Python.
  EXPECT_EQ(sha256_hex(file.text),
            "696cca6b65a171b0a358a4be6732cdfdf2dd6164a32e20fd70e3c13fc4dfae83");
}

TEST(Wikitext, TheOfficialTestFileHas62Pages) {
  NIBBLE_NEEDS_FILE(folder, testing::data_folder());
  const auto pages =
      split_wikitext_pages(read_text(folder / "wikitext2/wiki.test.raw").take().text);
  ASSERT_EQ(pages.size(), 62U);
  // Bytes of the first pages as lm-evaluation-harness counts them.
  const std::vector<std::size_t> expected = {5667, 24540, 12300, 35979, 10637, 12603, 54583, 11084};
  std::string joined;
  for (std::size_t i = 0; i < pages.size(); ++i) {
    if (i < expected.size()) {
      EXPECT_EQ(pages[i].size(), expected[i]) << i;
    }
    joined += i > 0 ? std::string(1, '\0') : std::string();
    joined += pages[i];
  }
  EXPECT_EQ(sha256_hex(joined), "d0b16b3ea2df933c8a7c98e8b39093f025b25aa357d03b598e6532b2ec27f78c");
}

TEST(Wikitext, BlankTextHasNoPages) {
  EXPECT_THAT(split_wikitext_pages(" \n \n"), ElementsAre());
}

TEST(Wikitext, AMissingFileIsNotFound) {
  const testing::TempFolder folder;
  EXPECT_EQ(wikitext_rows_text(folder / "none").failure().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace nibble::data
