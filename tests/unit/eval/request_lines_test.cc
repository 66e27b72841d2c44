#include "eval/request_lines.h"

#include <gtest/gtest.h>

#include <cmath>

namespace nibble::eval {
namespace {

TEST(RequestLines, ReadsTheThreeKinds) {
  const auto lines = parse_request_lines(R"({"id": "a", "context": "c", "continuation": " d"}
{"id": 7, "rolling": "text"}

{"prompt": "p", "max_tokens": 5, "stop": ["\n", "."]}
{"prompt": "p", "stop": "x"}
)",
                                         "in")
                         .take();
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[0].id, "\"a\"");
  EXPECT_EQ(std::get<LoglikelihoodRequest>(lines[0].request).continuation, " d");
  EXPECT_EQ(lines[1].id, "7");
  EXPECT_EQ(std::get<RollingRequest>(lines[1].request).text, "text");
  EXPECT_EQ(lines[2].id, "4");  // its line number
  EXPECT_EQ(std::get<GenerationRequest>(lines[2].request).max_tokens, 5U);
  EXPECT_EQ(std::get<GenerationRequest>(lines[2].request).stop,
            (std::vector<std::string>{"\n", "."}));
  EXPECT_EQ(std::get<GenerationRequest>(lines[3].request).stop, std::vector<std::string>{"x"});
}

TEST(RequestLines, SaysWhichLineIsWrong) {
  EXPECT_EQ(parse_request_lines("{\"rolling\": \"x\"}\n{\"id\": 1}", "in").failure().message,
            "in:2: wanted 'context' and 'continuation', or 'rolling', or 'prompt'");
  EXPECT_EQ(parse_request_lines("{\"continuation\": \"x\"}", "in").failure().message,
            "in:1: no 'context', wanted a text");
  EXPECT_EQ(parse_request_lines("[1]", "in").failure().code, ErrorCode::kCorruptData);
  EXPECT_EQ(parse_request_lines("{\"prompt\": \"x\", \"max_tokens\": -1}", "in").failure().message,
            "in:1: 'max_tokens' is not an index, wanted a whole number from 0");
  EXPECT_EQ(parse_request_lines("{\"prompt\": \"x\", \"max_token\": 1}", "in").failure().message,
            "in:1: unknown key 'max_token' (did you mean 'max_tokens'?)");
  EXPECT_EQ(parse_request_lines("{\"prompt\": \"x\", \"rolling\": \"y\"}", "in").failure().message,
            "in:1: wanted one of 'continuation', 'rolling' and 'prompt'");
  EXPECT_EQ(parse_request_lines("{\"context\": \"x\", \"rolling\": \"y\"}", "in").failure().message,
            "in:1: 'context' goes with 'continuation' only");
  EXPECT_EQ(parse_request_lines("{\"stop\": \"x\", \"rolling\": \"y\"}", "in").failure().message,
            "in:1: 'stop' goes with 'prompt' only");
  EXPECT_EQ(parse_request_lines(" \n", "in").failure().message,
            "in: no requests, wanted JSON lines");
}

TEST(RequestLines, WritesWhatWasAsked) {
  const RequestLine choice{"\"a\"", LoglikelihoodRequest{}};
  EXPECT_EQ(response_line(choice, LoglikelihoodResponse{-1.5, true, 2, 0}),
            "{\"greedy\":true,\"id\":\"a\",\"logprob\":-1.5,\"n_tokens\":2}\n");
  const RequestLine rolling{"{\"k\":1}", RollingRequest{}};
  EXPECT_EQ(response_line(rolling, LoglikelihoodResponse{std::nan(""), true, 2, 0}),
            "{\"id\":{\"k\":1},\"logprob\":null,\"n_tokens\":2}\n");
  const RequestLine generation{"3", GenerationRequest{}};
  EXPECT_EQ(response_line(generation, GenerationResponse{"a\nb", 2, false}),
            "{\"id\":3,\"text\":\"a\\nb\"}\n");
  EXPECT_EQ(response_line(generation, GenerationResponse{.text = "", .is_answered = false}),
            "{\"id\":3,\"text\":null}\n");
}

}  // namespace
}  // namespace nibble::eval
