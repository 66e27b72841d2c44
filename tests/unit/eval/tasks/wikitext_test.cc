#include "eval/tasks/wikitext.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "data/wikitext.h"
#include "support/files.h"

namespace nibble::eval::wikitext {
namespace {

TEST(Wikitext, Detokenizes) {
  EXPECT_EQ(
      detokenized(
          " \n = Title = \n \n It is 1 @,@ 000 km ( 6 @.@ 2 mi ) long , \" quoted text \" . \n"),
      "\n= Title =\n\nIt is 1,000 km (6.2 mi) long, \"quoted text\".\n");
  EXPECT_EQ(detokenized("the dogs ' tails are well @-@ known"), "the dogs' tails are well-known");
  EXPECT_EQ(detokenized("dogs ' tails , Bob 's"), "dogs'tails, Bob's");  // apostrophes pair up
  EXPECT_EQ(detokenized("a ( b [ c ] ( d ) e )"),
            "a (b [c] ( d) e )");  // a pair ends at the first ")"
  EXPECT_EQ(detokenized("= = = Sub = = ="), "=== Sub ===");
  EXPECT_EQ(detokenized("5 \xC2\xB0 N of"), "5\xC2\xB0N of");
  EXPECT_EQ(detokenized("up N steps"), "up 1 steps");
  EXPECT_EQ(detokenized("left ( open"), "left ( open");
}

TEST(Wikitext, CountsWordsAsAPythonSplit) {
  EXPECT_EQ(n_words(" \n = T = \n \n a b \n"), 7U);
  EXPECT_EQ(n_words("one"), 1U);
  EXPECT_EQ(n_words(""), 1U);
  EXPECT_EQ(n_words("a\xC2\xA0"
                    "b"),
            2U);  // a no-break space is white space
}

TEST(Wikitext, AgreesWithTheReferenceOnTheTestSplit) {
  NIBBLE_NEEDS_FILE(data, nibble::testing::data_folder());
  NIBBLE_NEEDS_FILE(golden, nibble::testing::golden("eval/perplexity_smollm2.json"));
  const auto expected =
      nlohmann::json::parse(nibble::testing::read_file(golden)).at("lm_eval_rolling_2048");
  const auto cut =
      data::split_wikitext_pages(nibble::testing::read_file(data / "wikitext2" / "wiki.test.raw"));
  ASSERT_EQ(cut.size(), expected.at("pages_in_file").get<std::size_t>());
  for (const auto& document : expected.at("docs")) {
    const std::string& page = cut.at(document.at("doc").get<std::size_t>());
    EXPECT_EQ(n_words(page), document.at("words").get<std::size_t>());
    EXPECT_EQ(page.size(), document.at("bytes").get<std::size_t>());
    EXPECT_EQ(sha256_hex(detokenized(page)), document.at("detokenized_sha256").get<std::string>());
  }
}

}  // namespace
}  // namespace nibble::eval::wikitext
