#include "rag/chunk/units.h"

#include <gmock/gmock.h>

namespace nibble::rag {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Split = std::vector<TextRange> (*)(std::string_view);

std::vector<std::string> pieces(Split split, std::string_view text) {
  std::vector<std::string> out;
  for (const TextRange& range : split(text)) {
    out.emplace_back(range.of(text));
  }
  return out;
}

TEST(Units, Words) {
  EXPECT_THAT(pieces(split_words, "  a bc\u00A0d\n\te "), ElementsAre("a", "bc", "d", "e"));
  EXPECT_THAT(pieces(split_words, " \n"), IsEmpty());
}

TEST(Units, Sentences) {
  EXPECT_THAT(pieces(split_sentences, "It ran. It hid! Did it? Yes."),
              ElementsAre("It ran.", "It hid!", "Did it?", "Yes."));
  EXPECT_THAT(pieces(split_sentences, "He said \"No.\" Then he left"),
              ElementsAre("He said \"No.\"", "Then he left"));
  EXPECT_THAT(pieces(split_sentences, "A heading\n\nA text over\ntwo lines. End"),
              ElementsAre("A heading", "A text over\ntwo lines.", "End"));
}

TEST(Units, SentencesGoOnBehindAbbreviationsInitialsAndNumbers) {
  EXPECT_THAT(pieces(split_sentences, "Dr. J. Smith et al. (2019) saw 3.5 mg, cf. Fig. 2. Good."),
              ElementsAre("Dr. J. Smith et al. (2019) saw 3.5 mg, cf. Fig. 2.", "Good."));
  EXPECT_THAT(pieces(split_sentences, "approx. ten, e.g. this. and so on"),
              ElementsAre("approx. ten, e.g. this. and so on"));
}

TEST(Units, SentencesOfOtherScripts) {
  EXPECT_THAT(pieces(split_sentences, "\u6211\u5728\u3002\u4F60\u5462\uFF1F"),
              ElementsAre("\u6211\u5728\u3002", "\u4F60\u5462\uFF1F"));
  EXPECT_THAT(pieces(split_sentences, ""), IsEmpty());
}

TEST(Units, Paragraphs) {
  EXPECT_THAT(pieces(split_paragraphs, "\n one\ntwo \n \n three\n\n\nfour"),
              ElementsAre("one\ntwo", "three", "four"));
}

}  // namespace
}  // namespace nibble::rag
