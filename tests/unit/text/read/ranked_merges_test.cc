#include "text/read/ranked_merges.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace nibble::text {
namespace {

using ::testing::Pair;
using ::testing::StrEq;
using ::testing::ThrowsMessage;

TEST(RankedMerges, CutAtTheFirstBlankBehindTheFirstCharacter) {
  EXPECT_THAT(parse_merge("Ġ t", 0), Pair("Ġ", "t"));
  EXPECT_THAT(parse_merge("  b", 0), Pair(" ", "b"));
  EXPECT_THAT([] { static_cast<void>(parse_merge("ab", 4)); },
              ThrowsMessage<Error>(StrEq("merge 4: 'ab' is not two tokens with a blank between")));
  EXPECT_THROW(static_cast<void>(parse_merge("a ", 0)), Error);
  EXPECT_THROW(static_cast<void>(parse_merge("", 0)), Error);
}

TEST(RankedMerges, AllThreeTokensMustExist) {
  StringIndex spellings;
  spellings.set("a", 0);
  spellings.set("b", 1);
  spellings.set("ab", 2);
  BpeParts parts;
  add_ranked_merges(parts, spellings, {{"a", "b"}});
  EXPECT_EQ(parts.merges.find(0, 1).result, 2);
  EXPECT_EQ(parts.merges.find(0, 1).rank, 0U);
  EXPECT_THAT(
      [&] {
        add_ranked_merges(parts, spellings, {{"a", "b"}, {"b", "a"}});
      },
      ThrowsMessage<Error>(StrEq("merge 1: 'ba' is not in the vocabulary")));
}

}  // namespace
}  // namespace nibble::text
