#include "text/tokenizer.h"

#include <gmock/gmock.h>

#include "unit/text/tokenizers.h"

namespace nibble::text {
namespace {

using testing::small_bpe;

TEST(StreamDecoder, NeverSplitsACharacter) {
  const auto tokenizer = make_tokenizer(small_bpe({})).take();  // one token a byte
  StreamDecoder decoder(*tokenizer);
  EXPECT_EQ(decoder.push('a'), "a");
  EXPECT_EQ(decoder.push(0xF0), "");
  EXPECT_EQ(decoder.push(0x9F), "");
  EXPECT_EQ(decoder.push(0x98), "");
  EXPECT_EQ(decoder.push(0x80), "😀");
  EXPECT_EQ(decoder.finish(), "");
}

TEST(StreamDecoder, MalformedBytesBecomeMarks) {
  const auto tokenizer = make_tokenizer(small_bpe({})).take();
  StreamDecoder decoder(*tokenizer);
  EXPECT_EQ(decoder.push(0xE6), "");
  EXPECT_EQ(decoder.push('x'), "\uFFFDx");
  EXPECT_EQ(decoder.push(0xE6), "");
  EXPECT_EQ(decoder.finish(), "\uFFFD");
  EXPECT_EQ(decoder.finish(), "");
}

TEST(StreamDecoder, SpecialTokensSayNothingAndJoinWhatTheyPart) {
  const auto tokenizer = make_tokenizer(small_bpe({})).take();
  StreamDecoder decoder(*tokenizer);
  EXPECT_EQ(decoder.push(0xC3), "");
  EXPECT_EQ(decoder.push(256), "");  // <|a|>
  EXPECT_EQ(decoder.push(0xA9), "é");
}

}  // namespace
}  // namespace nibble::text
