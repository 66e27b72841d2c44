#include "text/unicode/lossy.h"

#include <gtest/gtest.h>

#include "base/utf8.h"

namespace nibble::text {
namespace {

std::string lossy(std::string_view bytes, Malformed rule) {
  std::string out;
  append_lossy(out, bytes, rule);
  return out;
}

TEST(Lossy, LeavesTextAlone) {
  EXPECT_EQ(lossy("aé漢😀", Malformed::kSequence), "aé漢😀");
  EXPECT_EQ(lossy("aé漢😀", Malformed::kByte), "aé漢😀");
}

// The example of Unicode 15, table 3-8 and its relatives; as bytes.decode("utf-8", "replace")
// answers.
TEST(Lossy, OneMarkForEachMaximalSubpart) {
  EXPECT_EQ(lossy("\xE1\x80"
                  "a",
                  Malformed::kSequence),
            "\uFFFDa");
  EXPECT_EQ(lossy("\xF0\x9F\x98", Malformed::kSequence), "\uFFFD");
  EXPECT_EQ(lossy("\xC0\xAF", Malformed::kSequence), "\uFFFD\uFFFD");
  EXPECT_EQ(lossy("\xED\xA0\x80", Malformed::kSequence), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(lossy("\xF4\x91\x92\x93"
                  "B",
                  Malformed::kSequence),
            "\uFFFD\uFFFD\uFFFD\uFFFDB");
}

TEST(Lossy, OneMarkForEachByte) {
  EXPECT_EQ(lossy("\xF0\x9F\x98z", Malformed::kByte), "\uFFFD\uFFFD\uFFFDz");
}

TEST(Lossy, AnUnfinishedCharacterWaits) {
  std::string out;
  std::string bytes = "a\xF0\x9F";
  append_complete(out, bytes, Malformed::kSequence);
  EXPECT_EQ(out, "a");
  EXPECT_EQ(bytes, "\xF0\x9F");
  bytes += "\x98\x80";
  append_complete(out, bytes, Malformed::kSequence);
  EXPECT_EQ(out, "a😀");
  EXPECT_EQ(bytes, "");
}

// Whatever the bytes and wherever the cut, pieces give what the whole gives, and it is UTF-8.
TEST(Lossy, PiecesEqualTheWhole) {
  const std::string alphabet = "a\xC3\xA9\xE6\xF0\x9F\x80\xED\xA0\xC0\xFF";
  std::uint32_t state = 1;
  for (int round = 0; round < 2000; ++round) {
    std::string whole;
    std::string pieces;
    std::string pending;
    for (int i = 0; i < 12; ++i) {
      state = state * 1664525U + 1013904223U;
      const char byte = alphabet[(state >> 16) % alphabet.size()];
      whole.push_back(byte);
      pending.push_back(byte);
      append_complete(pieces, pending, Malformed::kSequence);
      EXPECT_LE(pending.size(), 3U);
    }
    append_lossy(pieces, pending, Malformed::kSequence);
    EXPECT_EQ(pieces, lossy(whole, Malformed::kSequence));
    EXPECT_FALSE(utf8::first_invalid(pieces));
  }
}

}  // namespace
}  // namespace nibble::text
