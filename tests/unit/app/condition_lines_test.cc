#include "app/condition_lines.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace nibble::app {
namespace {

const std::vector<study::ConditionDifference> kRows = {{"arithmetic", "native", "", false},
                                                       {"model_sha", "1", "2", true}};

TEST(ConditionLines, SayBothSides) {
  EXPECT_EQ(condition_lines(kRows, true),
            "arithmetic: 'native' and not stated\n(judged) model_sha: '1' and '2'\n");
  EXPECT_EQ(condition_lines(kRows, false), "arithmetic: 'native' and not stated\n");
}

TEST(ConditionLines, OnlyWhatIsJudgedMayDiffer) {
  EXPECT_TRUE(conditions_differ(kRows));
  EXPECT_FALSE(conditions_differ(std::span(kRows).subspan(1)));
  EXPECT_FALSE(conditions_differ({}));
}

TEST(ConditionLines, WhatIsNotStatedIsNull) {
  const Json rows = conditions_json(kRows);
  EXPECT_TRUE(rows.at(0).at("b").is_null());
  EXPECT_EQ(rows.at(1).at("what_is_judged"), true);
}

}  // namespace
}  // namespace nibble::app
