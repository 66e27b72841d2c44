#include "eval/sample_json.h"

#include <gtest/gtest.h>

#include <limits>

namespace nibble::eval {
namespace {

TEST(SampleJson, WritesEveryKindOfResponse) {
  const std::vector<Response> responses = {
      LoglikelihoodResponse{.logprob = -2.5, .is_greedy = true},
      LoglikelihoodResponse{.logprob = std::numeric_limits<double>::quiet_NaN()},
      GenerationResponse{.text = "say \"hi\"\n"},
      GenerationResponse{.text = "lost", .is_answered = false},
      DivergenceResponse{.kl = 0.125, .n_rows = 4, .n_same_top = 3}};
  EXPECT_EQ(responses_json(responses),
            R"([[-2.5,true],[null,false],"say \"hi\"\n",null,[0.125,4,3]])");
}

TEST(SampleJson, NumbersReadBackAsThemselves) {
  const double value = -23.543409347534181234;
  const std::string text =
      responses_json(std::vector<Response>{LoglikelihoodResponse{.logprob = value}});
  EXPECT_EQ(std::stod(text.substr(2)), value);
}

TEST(SampleJson, NoResponsesAreAnEmptyList) {
  EXPECT_EQ(responses_json({}), "[]");
}

}  // namespace
}  // namespace nibble::eval
