#include "app/study_outcome.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace nibble::app {
namespace {

TEST(StudyOutcome, LongListsAreCut) {
  study::MergeOutcome outcome;
  outcome.completeness = {1, 31, 5, std::vector<std::string>(30, "int4/arc_easy")};
  const std::string text = merge_text("all.db", outcome);
  EXPECT_EQ(std::ranges::count(text, '\n'), 22);
  EXPECT_TRUE(text.starts_with("all.db: 1 of 31 units are whole, 5 samples\n"));
  EXPECT_TRUE(text.ends_with("missing: 10 more\n"));
}

}  // namespace
}  // namespace nibble::app
