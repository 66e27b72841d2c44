#include "text/read/common.h"

#include <gmock/gmock.h>

namespace nibble::text {
namespace {

using ::testing::ElementsAre;

TEST(ReadCommon, ByteTokens) {
  EXPECT_EQ(byte_of_token("<0x0A>"), '\n');
  EXPECT_EQ(byte_of_token("<0xFF>"), 0xFF);
  EXPECT_EQ(byte_of_token("<0x0a>"), std::nullopt);
  EXPECT_EQ(byte_of_token("<0x0A"), std::nullopt);
  EXPECT_EQ(byte_of_token("<0x100>"), std::nullopt);
}

TEST(ReadCommon, Blanks) {
  EXPECT_EQ(with_blanks("▁a▁"), " a ");
  EXPECT_EQ(without_blanks(" a "), "▁a▁");
}

TEST(ReadCommon, TidyWordPieceKeepsWhatIsNotPunctuation) {
  EXPECT_EQ(tidy_wordpiece(" ."), ".");
  EXPECT_EQ(tidy_wordpiece(" '"), " '");
  EXPECT_EQ(tidy_wordpiece(" do not"), " don't");
  EXPECT_EQ(tidy_wordpiece(" the"), " the");
}

TEST(ReadCommon, CutsOnlyWhereNoPieceGoesOn) {
  StringIndex pieces;
  BlankCuts cuts;
  cuts.add("▁the");
  cuts.add("▁▁");
  EXPECT_EQ(cuts.step(pieces), std::nullopt);  // the blank itself must be a piece
  pieces.set(kBlank, 0);
  EXPECT_TRUE(cuts.step(pieces)->joined.empty());
  cuts.add(">▁</");
  cuts.add("é▁▁x▁");
  EXPECT_THAT(cuts.step(pieces)->joined, ElementsAre(">", "é", "x"));
  for (const char* piece : {"a▁", "b▁", "c▁", "d▁", "e▁", "f▁"}) {
    cuts.add(piece);
  }
  EXPECT_EQ(cuts.step(pieces), std::nullopt);
}

TEST(ReadCommon, BosMustBeNamed) {
  PipelineParts parts;
  parts.special.add_bos = true;
  EXPECT_THROW(put_around(parts), Error);
  parts.special.bos = 3;
  put_around(parts);
  EXPECT_THAT(parts.prefix, ElementsAre(3));
}

TEST(ReadCommon, ReadingNamesTheFile) {
  const auto failed = reading("x/tokenizer.json", []() -> std::unique_ptr<Tokenizer> {
    raise(ErrorCode::kUnsupported, "no");
  });
  EXPECT_EQ(failed.failure().message, "x/tokenizer.json: no");
  EXPECT_EQ(failed.failure().code, ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace nibble::text
