#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "support/files.h"

namespace nibble::app {
namespace {

using ::testing::HasSubstr;
using testing::run_program;

TEST(Score, AnswersInTheOrderOfTheRequests) {
  NIBBLE_NEEDS_FILE(model, testing::demo_model());
  const auto result = run_program(
      "score " + model.string() + " --requests - -q",
      R"({"id": "g", "prompt": "The capital of France is", "max_tokens": 4, "stop": ["."]}
{"id": 2, "context": "The capital of France is", "continuation": " Paris"}
{"id": "r", "rolling": "Hello there."}
)");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  std::vector<nlohmann::json> lines;
  std::istringstream out(result.out);
  for (std::string line; std::getline(out, line);) {
    lines.push_back(nlohmann::json::parse(line));
  }
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0].at("id"), "g");
  EXPECT_TRUE(lines[0].at("text").is_string());
  EXPECT_EQ(lines[1].at("id"), 2);
  EXPECT_LT(lines[1].at("logprob").get<double>(), 0.0);
  EXPECT_EQ(lines[1].at("n_tokens"), 1);
  EXPECT_TRUE(lines[1].at("greedy").is_boolean());
  EXPECT_EQ(lines[2].at("id"), "r");
  EXPECT_FALSE(lines[2].contains("greedy"));
}

TEST(Score, BatchesAndSharingChangeNoDigit) {
  NIBBLE_NEEDS_FILE(model, testing::demo_model());
  const std::string requests =
      R"({"id": 1, "context": "The capital of France is", "continuation": " Paris"}
{"id": 2, "context": "The capital of France is", "continuation": " a city in the north"}
{"id": 3, "rolling": "The capital of France has been the seat of its kings."}
{"id": 4, "prompt": "The capital of France is", "max_tokens": 3, "stop": []}
{"id": 5, "prompt": "The capital of Spain is", "max_tokens": 5, "stop": []}
)";
  const std::string call = "score " + model.string() + " --requests - -q ";
  const auto wanted = run_program(call, requests);
  ASSERT_EQ(wanted.exit_code, 0) << wanted.err;
  for (const char* way : {"--batch-tokens 1 --no-prefix-sharing", "--batch 2 --batch-tokens 7"}) {
    EXPECT_EQ(run_program(call + way, requests).out, wanted.out) << way;
  }
  EXPECT_EQ(run_program(call + "--batch-tokens 0", requests).exit_code, 2);
}

TEST(Score, RejectsBadRequestsBeforeTheModelIsRead) {
  const auto malformed = run_program("score nowhere.gguf --requests -", "{\"id\": 1}\n");
  EXPECT_EQ(malformed.exit_code, 3);
  EXPECT_THAT(malformed.err, HasSubstr("standard input:1: wanted 'context' and 'continuation'"));
  EXPECT_EQ(run_program("score nowhere.gguf --requests -", "").exit_code, 3);
  EXPECT_EQ(run_program("score nowhere.gguf --requests nowhere.jsonl").exit_code, 3);
  EXPECT_EQ(run_program("score nowhere.gguf --requests - --arithmetic x", "{}").exit_code, 2);
}

}  // namespace
}  // namespace nibble::app
