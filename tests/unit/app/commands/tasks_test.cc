#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
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

TEST(TasksCommand, SaysWhatATaskFileAsks) {
  const auto json = nlohmann::json::parse(testing::run_program("tasks --json").out);
  const auto gsm8k =
      std::ranges::find_if(json, [](const auto& row) { return row["name"] == "gsm8k"; });
  ASSERT_NE(gsm8k, json.end());
  EXPECT_EQ(gsm8k->at("kind"), "generation");
  EXPECT_EQ(gsm8k->at("data"), "openai/gsm8k, main, test");
  EXPECT_EQ(gsm8k->at("n_shots"), 5);
  EXPECT_EQ(gsm8k->at("metrics"), nlohmann::json({"exact_match"}));
  EXPECT_EQ(gsm8k->at("hash").get<std::string>().size(), 64U);
}

}  // namespace
}  // namespace nibble::app
