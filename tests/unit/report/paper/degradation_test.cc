#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/paper/answers.h"
#include "support/files.h"
#include "unit/report/answers/answer_store.h"

namespace nibble::report {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

/// nq of three documents with the right one at each position: the middle is worse.
std::vector<store::TaskRecord> positions() {
  std::vector<store::TaskRecord> out;
  for (const std::size_t position : {0, 1, 2}) {
    out.push_back({fmt::format("p{}", position),
                   fmt::format("nq gold {} of 3", position),
                   1,
                   "gold",
                   "d",
                   kQuestions,
                   {{"f1", "fraction", true, "identity"}}});
    out.back().context = store::ContextRecord{"nq", "gold", 3, {}, position};
  }
  return out;
}

TEST(PaperDegradation, SlopeCliffAndExtraSlope) {
  const nibble::testing::TempFolder folder;
  const Data data = gather(answer_store(folder / "s.db"));
  const Table table = paper_degradation(data, method_rows(data), 21);
  ASSERT_EQ(table.columns.size(), 7U);
  EXPECT_THAT(table.caption, HasSubstr("F1 of squad at 512, 2048 tokens (8 questions"));
  EXPECT_THAT(table.caption, HasSubstr("no task of this study asks at given positions"));
  EXPECT_THAT(table.rows[0][1].text, StartsWith("\u221224.4 [")) << "0.375 over 1,536 tokens";
  EXPECT_THAT(table.rows[0][2].text, StartsWith("0.9"));
  EXPECT_EQ(table.rows[0][3].text, "2048");
  EXPECT_THAT(table.rows[0][4].text, StartsWith("yes, p "));
  EXPECT_EQ(table.rows[0][5].text, "\u2013");
  EXPECT_EQ(table.rows[0][6].text, "not part of the study");
  EXPECT_THAT(table.rows[1][5].text, StartsWith("\u221224.4 ["));
  EXPECT_EQ(table.rows[2][1].text, "not run yet");
  EXPECT_EQ(table.rows[2][4].text, "not run yet");
}

TEST(PaperDegradation, PositionEffect) {
  const nibble::testing::TempFolder folder;
  store::Store store = answer_store(folder / "s.db", positions());
  std::vector<store::SummaryRecord> summaries = answer_summaries();
  for (const auto& [task, score] : {std::pair("p0", 1.0), {"p1", 0.25}, {"p2", 0.75}}) {
    const std::string unit = std::string("v0/") + task;
    for (std::size_t i = 0; i < kQuestions; ++i) {
      add_answer(store, unit, i, {{"f1", score}});
    }
    summaries.push_back(answer_summary(unit, "f1", score));
  }
  store.replace_summaries(summaries);
  const Data data = gather(store);
  const Table table = paper_degradation(data, method_rows(data), 21);
  EXPECT_THAT(table.caption, HasSubstr("of nq of 3 with the relevant document at 0, 1, 2"));
  EXPECT_THAT(table.rows[0][6].text, StartsWith("+62.5 [+62.5, +62.5], p "));
  EXPECT_EQ(table.rows[1][6].text, "not run yet");
}

}  // namespace
}  // namespace nibble::report
