#include "model/generate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "model/load.h"
#include "support/files.h"
#include "unit/model/model_runs.h"
#include "unit/model/tiny_model.h"

namespace nibble::model {
namespace {

using testing::TinyCopy;
using text::TokenId;

class GenerateTest : public ::testing::Test {
 protected:
  std::vector<Generation> run(std::span<const GenerateRequest> requests,
                              const GenerateOptions& options = {}) {
    GenerateListener nobody;
    return generate(*loaded_.model, *loaded_.tokenizer, requests, options, nobody);
  }
  Generation run_one(const GenerateRequest& request) { return run(std::span(&request, 1)).front(); }
  static std::vector<TokenId> prompt(std::size_t n, TokenId seed = 5) {
    std::vector<TokenId> out(n);
    for (std::size_t i = 0; i < n; ++i) {
      out[i] = 3 + (seed * static_cast<TokenId>(i + 1) * 17) % 92;
    }
    return out;
  }
  /// What a plain loop of forward passes makes, without regard to ends.
  std::vector<TokenId> expected(const std::vector<TokenId>& start, std::size_t n) {
    return plain_.generate(start, n);
  }

  TinyCopy folder_{"qwen2"};
  ThreadPool pool_{2};
  LoadedModel loaded_ =
      load_model(folder_.path(), {Arithmetic::kF32}, pool_, silent_progress()).take();
  testing::TestModel plain_{folder_.path()};
};

TEST_F(GenerateTest, MakesTheTokensOfAPlainLoop) {
  const auto start = prompt(30);
  const Generation made = run_one({start, 20, {}, false});
  EXPECT_EQ(made.tokens, expected(start, 20));
  EXPECT_EQ(made.reason, StopReason::kLimit);
  EXPECT_EQ(made.n_cut_tokens, 0U);
  EXPECT_EQ(made.text, loaded_.tokenizer->decode(made.tokens, text::SkipSpecial::kYes).take());
}

TEST_F(GenerateTest, ManyRequestsGiveWhatEachGivesAlone) {
  std::vector<GenerateRequest> requests;
  for (std::size_t i = 0; i < 12; ++i) {
    // Every third begins with the same 70 tokens.
    auto start = i % 3 == 0 ? prompt(70) : std::vector<TokenId>{};
    const auto own = prompt(5 + 9 * i, static_cast<TokenId>(i + 2));
    start.insert(start.end(), own.begin(), own.end());
    requests.push_back({start, 3 + i, {}, false});
  }
  for (const GenerateOptions& options : {GenerateOptions{512, 32, 0},
                                         GenerateOptions{16, 3, 0},
                                         GenerateOptions{1, 1, 0},
                                         GenerateOptions{64, 32, 0, false},
                                         GenerateOptions{64, 32, 300000}}) {
    const auto made = run(requests, options);
    for (std::size_t i = 0; i < requests.size(); ++i) {
      EXPECT_EQ(made[i].tokens, expected(requests[i].prompt, requests[i].max_tokens)) << i;
    }
  }
}

TEST_F(GenerateTest, StopsAtAStopStringAndCutsIt) {
  const auto start = prompt(30);
  const std::string text = run_one({start, 20, {}, false}).text;
  ASSERT_GE(text.size(), 6U);
  const std::string stop = text.substr(4, 2);
  const Generation made = run_one({start, 20, {"", stop}, false});
  EXPECT_EQ(made.reason, StopReason::kStopString);
  EXPECT_EQ(made.text, text.substr(0, text.find(stop)));
  EXPECT_LT(made.tokens.size(), 20U);
}

TEST_F(GenerateTest, StopStringsCutInTurn) {
  EXPECT_EQ(cut_at_stops("one two three", std::vector<std::string>{"three", "two"}), "one ");
  EXPECT_EQ(cut_at_stops("one two three", std::vector<std::string>{"", "four"}), "one two three");
  EXPECT_EQ(cut_at_stops("\n\nA", std::vector<std::string>{"\n"}), "");
}

TEST_F(GenerateTest, CutsLongPromptsFromTheLeft) {
  // The context is 256: 246 tokens of the prompt remain beside 10 new ones.
  const auto start = prompt(300);
  const Generation made = run_one({start, 10, {}, false});
  EXPECT_EQ(made.n_cut_tokens, 54U);
  EXPECT_EQ(made.tokens, expected({start.begin() + 54, start.end()}, 10));
}

TEST_F(GenerateTest, MeasuresTheAttentionOfPromptsAndAnswers) {
  const auto common = prompt(70);
  std::vector<std::vector<TokenId>> prompts;
  std::vector<AttentionMass> masses;
  for (std::size_t i = 0; i < 6; ++i) {
    auto tokens = common;
    const auto own = prompt(3 + 5 * i, static_cast<TokenId>(i + 2));
    tokens.insert(tokens.end(), own.begin(), own.end());
    // Some rows lie in the beginning that all prompts share.
    const std::size_t early = i % 2 == 0 ? 20 : 71;
    masses.emplace_back(loaded_.model->config(),
                        AttentionProbe{{early}, {{0, 4}, {4, 60}, {60, 1000}}, tokens.size() - 1});
    prompts.push_back(std::move(tokens));
  }
  std::vector<GenerateRequest> requests;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    requests.push_back({prompts[i], 5, {}, false, {}, &masses[i]});
  }
  const auto made = run(requests, {64, 4, 0, true});
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    EXPECT_EQ(made[i].tokens, expected(prompts[i], 5));
    ASSERT_TRUE(masses[i].is_complete());
    ASSERT_EQ(masses[i].n_rows(), 6U);  // the early one, the prompt's last, and four of five tokens
    auto read = prompts[i];
    read.insert(read.end(), made[i].tokens.begin(), made[i].tokens.end() - 1);
    const std::vector<std::size_t> rows(masses[i].rows().begin(), masses[i].rows().end());
    const AttentionMass alone =
        measure_attention(*loaded_.model, read, {rows, {{0, 4}, {4, 60}, {60, 1000}}});
    for (std::size_t row = 0; row < rows.size(); ++row) {
      EXPECT_LE(testing::max_difference(masses[i].of_row(row), alone.of_row(row)), 1e-5);
    }
  }
}

TEST_F(GenerateTest, APromptWhoseAttentionIsMeasuredIsNotCut) {
  AttentionMass mass(loaded_.model->config(), {{0}, {{0, 1}}});
  EXPECT_THROW(run_one({prompt(300), 10, {}, false, {}, &mass}), Error);
}

TEST_F(GenerateTest, StopsAtTheEndOfTheContext) {
  const Generation made = run_one({prompt(40), 1000, {}, false});
  EXPECT_EQ(made.n_cut_tokens, 39U);  // one token must remain to go on from
  EXPECT_EQ(made.reason, StopReason::kContext);
  EXPECT_EQ(made.tokens.size(), 255U);
}

TEST_F(GenerateTest, NoTokensWantedIsNoTokensMade) {
  const Generation made = run_one({prompt(4), 0, {}, true});
  EXPECT_EQ(made.reason, StopReason::kLimit);
  EXPECT_TRUE(made.tokens.empty());
}

TEST_F(GenerateTest, AnEmptyPromptIsRefusedByItsNumber) {
  const std::vector<GenerateRequest> requests = {{prompt(3), 1, {}, true}, {}};
  try {
    run(requests);
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_STREQ(error.what(), "generate: request 1 has an empty prompt");
  }
}

TEST_F(GenerateTest, ACacheTooSmallForOneRequestNamesTheSizes) {
  const GenerateRequest request{prompt(100), 10, {}, true};
  EXPECT_THROW(run(std::span(&request, 1), {512, 32, 1000}), Error);
}

class Recorder final : public GenerateListener {
 public:
  void on_token(std::size_t index, TokenId token) override { tokens[index].push_back(token); }
  void on_done(std::size_t index, const Generation& generation) override {
    done[index] = generation.tokens;
  }
  std::map<std::size_t, std::vector<TokenId>> tokens, done;
};

TEST_F(GenerateTest, TellsEveryTokenAndEveryEnd) {
  const std::vector<GenerateRequest> requests = {{prompt(3), 4, {}, false},
                                                 {prompt(9), 6, {}, false}};
  Recorder recorder;
  const auto made = generate(*loaded_.model, *loaded_.tokenizer, requests, {}, recorder);
  EXPECT_EQ(recorder.tokens[0], made[0].tokens);
  EXPECT_EQ(recorder.tokens[1], made[1].tokens);
  EXPECT_EQ(recorder.done, recorder.tokens);

  std::vector<std::size_t> ended;
  generate(*loaded_.model, *loaded_.tokenizer, requests, [&](std::size_t i, const Generation&) {
    ended.push_back(i);
  });
  EXPECT_THAT(ended, ::testing::ElementsAre(0, 1));
}

TEST(Generate, DemoModelEndsItsAnswer) {
  NIBBLE_NEEDS_FILE(path, nibble::testing::demo_model());
  ThreadPool pool(2);
  const auto loaded = load_model(path, {Arithmetic::kF32, false}, pool, silent_progress()).take();
  const std::string question = "The capital of France is";
  const auto start = loaded.tokenizer->encode(question, text::AddSpecial::kYes).take();
  const std::vector<GenerateRequest> requests = {{start, 40, {}, true}, {start, 40, {"\n"}, true}};
  GenerateListener nobody;
  const auto made = generate(*loaded.model, *loaded.tokenizer, requests, {}, nobody);
  EXPECT_EQ(made[0].reason, StopReason::kEndToken);
  EXPECT_EQ(made[0].text, " Paris.\n\nThe answer is: 2018-01-22 12:12:53.");
  EXPECT_EQ(made[1].reason, StopReason::kStopString);
  EXPECT_EQ(made[1].text, " Paris.");
}

}  // namespace
}  // namespace nibble::model
