#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/files.h"

namespace nibble::app {
namespace {

TEST(TasksCommand, ListsNamesAndSummaries) {
  EXPECT_THAT(testing::run_program("tasks").out,
              ::testing::HasSubstr("\narc_easy               ARC-Easy, multiple choice"));
  const auto json = nlohmann::json::parse(testing::run_program("tasks --json").out);
  EXPECT_EQ(json.at(0).at("name"), "wikitext_stride512");
}

}  // namespace
}  // namespace nibble::app
