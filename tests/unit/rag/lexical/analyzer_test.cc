#include "rag/lexical/analyzer.h"

#include <gmock/gmock.h>

namespace nibble::rag {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Analyzer, LowersSplitsDropsStopWordsAndStems) {
  const Analyzer analyzer;
  EXPECT_THAT(analyzer.terms("The Ponies are RUNNING, and it caresses; by relational ties."),
              ElementsAre("poni", "run", "caress", "relat", "ti"));
  EXPECT_THAT(analyzer.terms("p53-deficient IL-2 CO2"),
              ElementsAre("p53", "defici", "il", "2", "co2"));
}

TEST(Analyzer, CutsThePossessiveAndKeepsOtherApostrophesApart) {
  const Analyzer analyzer;
  EXPECT_THAT(analyzer.terms("Crohn's Crohn\u2019s o'clock Jones'"),
              ElementsAre("crohn", "crohn", "o", "clock", "jone"));
}

TEST(Analyzer, ReadsOtherScriptsAndBytesThatAreNone) {
  const Analyzer analyzer;
  EXPECT_THAT(analyzer.terms("\u00C9COLE stra\u00DFe \u6771\u4EAC"),
              ElementsAre("\u00E9cole", "stra\u00DFe", "\u6771\u4EAC"));
  EXPECT_THAT(analyzer.terms("cat\xff\xfe"
                             "dog"),
              ElementsAre("cat", "dog"));
  EXPECT_THAT(analyzer.terms(" .,; the "), IsEmpty());
  EXPECT_THAT(analyzer.terms(std::string(300, 'a') + " b"), ElementsAre("b"));
}

}  // namespace
}  // namespace nibble::rag
