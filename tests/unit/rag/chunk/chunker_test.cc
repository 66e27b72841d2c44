#include "rag/chunk/chunker.h"

#include <gmock/gmock.h>

#include <cctype>
#include <random>

#include "base/utf8.h"

namespace nibble::rag {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// A tokenizer for tests: a token for every two bytes, begun ones count.
constexpr auto half_bytes = [](std::string_view text) { return (text.size() + 1) / 2; };

std::vector<std::string> chunks(std::string_view text, std::string_view settings) {
  std::vector<std::string> out;
  const ChunkSettings parsed = ChunkSettings::parse(settings).take();
  for (const TextRange& range : chunk_text(text, parsed, half_bytes)) {
    out.emplace_back(range.of(text));
  }
  return out;
}

TEST(Chunker, PacksWordsWithAndWithoutOverlap) {
  EXPECT_THAT(chunks("a b c d e", "words:2"), ElementsAre("a b", "c d", "e"));
  EXPECT_THAT(chunks("a b c d e", "words:3:1"), ElementsAre("a b c", "c d e"));
  EXPECT_THAT(chunks("a b c d e f", "words:3:2"), ElementsAre("a b c", "b c d", "c d e", "d e f"));
}

TEST(Chunker, CountsTokens) {
  // Sizes 1, 2, 2, 1, 3.
  EXPECT_THAT(chunks("a bcd efg h ijklm", "tokens:4"), ElementsAre("a bcd", "efg h", "ijklm"));
  EXPECT_THAT(chunks("a bcd efg h ijklm", "tokens:5:1"), ElementsAre("a bcd efg", "h ijklm"));
}

TEST(Chunker, NeverSplitsASentenceThatFits) {
  EXPECT_THAT(chunks("Aa bb. Cc dd. Ee ff gg hh ii.", "sentences:7"),
              ElementsAre("Aa bb. Cc dd.", "Ee ff gg hh ii."));
  EXPECT_THAT(chunks("Aa bb. Cc dd. Ee ff gg hh ii.", "sentences:4"),
              ElementsAre("Aa bb.", "Cc dd. Ee", "ff gg hh", "ii."));  // the last is cut at words
}

TEST(Chunker, GoesFromParagraphsToSentencesToWordsToCharacters) {
  EXPECT_THAT(chunks("Aa bb.\n\nCc dd. Ee ff.", "paragraphs:4"),
              ElementsAre("Aa bb.", "Cc dd.", "Ee ff."));
  EXPECT_THAT(chunks("abcdefgh", "tokens:2"), ElementsAre("abcd", "efgh"));
  // Characters are never cut: each of these has two bytes.
  EXPECT_THAT(chunks("\u00E4\u00F6\u00FC", "tokens:1"), ElementsAre("\u00E4", "\u00F6", "\u00FC"));
}

TEST(Chunker, WholeTextsAndEmptyOnes) {
  EXPECT_THAT(chunks("\n a. b. \n\n c \n", "whole"), ElementsAre("a. b. \n\n c"));
  for (const char* settings : {"whole", "tokens:3:1", "words:1", "sentences:4", "paragraphs:9"}) {
    EXPECT_THAT(chunks("", settings), IsEmpty());
    EXPECT_THAT(chunks(" \n\t\n ", settings), IsEmpty());
  }
}

TEST(Chunker, EveryWordIsInAPassageAndPassagesKeepToTheBudget) {
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    std::string text;
    const std::size_t n_words = random() % 60;
    for (std::size_t i = 0; i < n_words; ++i) {
      text += std::string(1 + random() % 9, static_cast<char>('a' + random() % 26));
      text += random() % 7 == 0 ? ". B" : random() % 11 == 0 ? "\n\n" : " ";
    }
    const ChunkSettings settings = {.unit = static_cast<ChunkUnit>(1 + random() % 4),
                                    .budget = 5 + random() % 9,
                                    .overlap = random() % 5};
    const auto ranges = chunk_text(text, settings, half_bytes);
    std::size_t covered = 0;
    for (std::size_t i = 0; i < ranges.size(); ++i) {
      EXPECT_EQ(std::string(utf8::strip(ranges[i].of(text))), ranges[i].of(text));
      for (std::size_t at = covered; at < ranges[i].begin; ++at) {
        EXPECT_TRUE(std::isspace(static_cast<unsigned char>(text[at]))) << text;
      }
      EXPECT_GT(ranges[i].end, covered) << "passage " << i << " adds nothing";
      covered = ranges[i].end;
      std::size_t size = 0;
      for (const TextRange& word : split_words(ranges[i].of(text))) {
        size += settings.unit == ChunkUnit::kWords ? 1 : half_bytes(word.of(ranges[i].of(text)));
      }
      EXPECT_LE(size, settings.budget) << text;
    }
    for (std::size_t at = covered; at < text.size(); ++at) {
      EXPECT_TRUE(std::isspace(static_cast<unsigned char>(text[at]))) << text;
    }
  }
}

TEST(ChunkSettings, ReadsWhatItWrites) {
  for (const char* text : {"whole", "tokens:254:32", "words:100:0", "sentences:9:1"}) {
    EXPECT_EQ(ChunkSettings::parse(text)->text(), text);
  }
  EXPECT_EQ(ChunkSettings::parse("words:100")->overlap, 0U);
}

TEST(ChunkSettings, LeaveRoomForATitle) {
  const auto settings = ChunkSettings::parse("tokens:10:4").take();
  EXPECT_EQ(settings.beside(3).text(), "tokens:7:4");
  EXPECT_EQ(settings.beside(100).text(), "tokens:5:4") << "half is always left";
  EXPECT_EQ(ChunkSettings::parse("words:1:0").take().beside(9).text(), "words:1:0");
  EXPECT_EQ(ChunkSettings::parse("whole").take().beside(9).text(), "whole");
  EXPECT_EQ(size_in_budget("four of  them", ChunkUnit::kWords, half_bytes), 3U);
  EXPECT_EQ(size_in_budget("four of", ChunkUnit::kTokens, half_bytes), 3U);
  EXPECT_EQ(size_in_budget("four of", ChunkUnit::kWhole, half_bytes), 0U);
}

TEST(ChunkSettings, RefusesNonsense) {
  for (const char* text : {"",
                           "lines:3",
                           "tokens",
                           "tokens:",
                           "tokens:0",
                           "tokens:5:5",
                           "tokens:x",
                           "tokens:5:1:1",
                           "whole:3",
                           "tokens:-5",
                           "tokens:99999999999999999999"}) {
    const auto parsed = ChunkSettings::parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.failure().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(parsed.failure().message, HasSubstr("tokens:254:32"));
  }
}

}  // namespace
}  // namespace nibble::rag
