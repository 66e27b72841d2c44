#include "eval/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/error.h"
#include "unit/eval/fake_model.h"

namespace nibble::eval {
namespace {

class EngineTest : public ::testing::Test {
 protected:
  EngineTest() {
    auto fake = std::make_unique<FakeModel>(64);
    model_ = fake.get();
    loaded_.model = std::move(fake);
    loaded_.tokenizer = std::make_unique<FakeTokenizer>();
  }
  static double logprob(const Response& response) {
    return std::get<LoglikelihoodResponse>(response).logprob;
  }
  model::LoadedModel loaded_;
  FakeModel* model_ = nullptr;
};

/// Log-probability of `tokens` from position `first` on.
double expected(const std::vector<std::int32_t>& tokens, std::size_t first) {
  double sum = 0;
  for (std::size_t i = first; i < tokens.size(); ++i) {
    sum += FakeModel::logprob(std::span(tokens).first(i), tokens[i]);
  }
  return sum;
}

TEST_F(EngineTest, AnswersEveryKindInRequestOrder) {
  Engine engine(loaded_, {});
  const std::vector<Request> requests = {GenerationRequest{"xy", 3, {}},
                                         LoglikelihoodRequest{"question", " yes"},
                                         WindowRequest{ids_of("window"), 2},
                                         RollingRequest{"text"}};
  const std::vector<Response> responses = engine.answer(requests);
  ASSERT_EQ(responses.size(), 4U);
  EXPECT_LE(std::get<GenerationResponse>(responses[0]).n_tokens, 3U);
  EXPECT_NEAR(logprob(responses[1]), expected(ids_of("question yes"), 8), 1e-4);
  EXPECT_EQ(std::get<LoglikelihoodResponse>(responses[1]).n_tokens, 4U);
  EXPECT_NEAR(logprob(responses[2]), expected(ids_of("window"), 2), 1e-4);
  EXPECT_NEAR(logprob(responses[3]), expected(ids_of("<s>text"), 1), 1e-4);
  EXPECT_EQ(engine.counters().n_requests, 4U);
}

TEST_F(EngineTest, GenerationIsGreedy) {
  Engine engine(loaded_, {});
  std::vector<std::int32_t> tokens = ids_of("xy");
  for (int step = 0; step < 3; ++step) {
    std::int32_t best = 0;
    for (std::int32_t v = 1; v < 259; ++v) {
      if (FakeModel::logprob(tokens, v) > FakeModel::logprob(tokens, best)) {
        best = v;
      }
    }
    if (best == FakeTokenizer::kEos) {
      break;
    }
    tokens.push_back(best);
  }
  const std::vector<Request> requests = {GenerationRequest{"xy", 3, {}}};
  const auto response = std::get<GenerationResponse>(engine.answer(requests)[0]);
  EXPECT_EQ("xy" + response.text, FakeTokenizer().decode(tokens, text::SkipSpecial::kYes).take());
}

TEST_F(EngineTest, SumsTheWindowsOfALongText) {
  Engine engine(loaded_, {.max_context = 10});
  const std::string text(25, 'q');
  const std::vector<Request> requests = {RollingRequest{text}};
  const auto response = std::get<LoglikelihoodResponse>(engine.answer(requests)[0]);
  EXPECT_EQ(response.n_tokens, 25U);
  // ([P] -> 0..9), ([9] -> 10..19), (the ten before the last -> 20..24)
  std::vector<std::int32_t> first = ids_of("<s>" + text.substr(0, 10));
  EXPECT_NEAR(response.logprob,
              expected(first, 1) + expected(ids_of(text.substr(0, 11)), 1) +
                  expected(ids_of(text.substr(0, 11)), 6),
              1e-4);
}

TEST_F(EngineTest, TellsEachResponseOnceAsSoonAsItIsKnown) {
  Engine engine(loaded_, {.batch_tokens = 8});
  std::vector<Request> requests;
  for (const char c : {'a', 'c', 'd', 'e'}) {
    requests.emplace_back(LoglikelihoodRequest{std::string(8, c), " x"});
  }
  std::vector<std::size_t> told;
  std::vector<std::size_t> n_passes;
  const auto responses = engine.answer(requests, [&](std::size_t i, const Response&) {
    told.push_back(i);
    n_passes.push_back(model_->n_batch_tokens.size());
  });
  EXPECT_THAT(told, ::testing::ElementsAre(0, 1, 2, 3));
  EXPECT_LT(n_passes.front(), n_passes.back());
}

TEST_F(EngineTest, SharesPrefixesAcrossRequests) {
  Engine engine(loaded_, {});
  const std::string context(40, 'c');
  const std::vector<Request> requests = {LoglikelihoodRequest{context, "x"},
                                         LoglikelihoodRequest{context, "y"},
                                         LoglikelihoodRequest{context, "zz"},
                                         LoglikelihoodRequest{context, "zz"}};
  const auto responses = engine.answer(requests);
  EXPECT_EQ(engine.counters().n_request_tokens, 40U + 40 + 41 + 41);
  EXPECT_EQ(engine.counters().n_computed_tokens, 41U);
  EXPECT_EQ(engine.counters().n_head_rows, 2U);
  EXPECT_EQ(logprob(responses[2]), logprob(responses[3]));
}

TEST_F(EngineTest, ComparesWithTheReference) {
  Engine engine(loaded_, {});
  const std::vector<Request> requests = {WindowRequest{ids_of("window"), 2},
                                         DivergenceRequest{ids_of("window"), 2}};
  EXPECT_THROW(engine.answer(requests), Error);
  FakeModel same;
  const auto reference = model_reference(same, 512);
  engine.set_reference(reference.get());
  const auto responses = engine.answer(requests);
  const auto& found = std::get<DivergenceResponse>(responses[1]);
  EXPECT_EQ(found.kl, 0);
  EXPECT_EQ(found.n_rows, 4U);
  EXPECT_EQ(found.n_same_top, 4U);
  const std::vector<Request> outside = {DivergenceRequest{ids_of("window"), 6}};
  EXPECT_THROW(engine.answer(outside), Error);
  const std::vector<Request> long_window = {DivergenceRequest{std::vector<std::int32_t>(65, 1), 2}};
  EXPECT_THROW(engine.answer(long_window), Error);
}

TEST_F(EngineTest, AnEmptyTextIsCertain) {
  Engine engine(loaded_, {});
  const std::vector<Request> requests = {RollingRequest{""}};
  EXPECT_EQ(logprob(engine.answer(requests)[0]), 0.0);
}

TEST_F(EngineTest, AContinuationWithoutTokensOfItsOwnHasNoAnswer) {
  Engine engine(loaded_, {});
  const std::vector<Request> requests = {LoglikelihoodRequest{"x", ""}};
  const auto response = std::get<LoglikelihoodResponse>(engine.answer(requests)[0]);
  EXPECT_TRUE(std::isnan(response.logprob));
  EXPECT_FALSE(response.is_greedy);
  EXPECT_EQ(response.n_tokens, 0U);
}

class BrokenModel final : public FakeModel {
 public:
  void head(MatrixView<const float> /*hidden*/, MatrixView<float> logits) override {
    std::fill_n(logits.data, logits.rows * logits.cols, std::numeric_limits<float>::quiet_NaN());
  }
};

TEST_F(EngineTest, AModelWithoutFiniteLogitsGivesNoText) {
  loaded_.model = std::make_unique<BrokenModel>();
  Engine engine(loaded_, {});
  const std::vector<Request> requests = {GenerationRequest{"xy", 3, {}}};
  const auto response = std::get<GenerationResponse>(engine.answer(requests)[0]);
  EXPECT_FALSE(response.is_answered);
  EXPECT_EQ(response.n_tokens, 0U);
}

TEST_F(EngineTest, CountsWhatAPromptLostToTheContext) {
  Engine engine(loaded_, {.max_context = 10});
  const std::vector<Request> requests = {GenerationRequest{"0123456789", 4, {}},
                                         GenerationRequest{"01", 4, {}}};
  const auto responses = engine.answer(requests);
  EXPECT_EQ(std::get<GenerationResponse>(responses[0]).n_cut_tokens, 4U);
  EXPECT_EQ(std::get<GenerationResponse>(responses[1]).n_cut_tokens, 0U);
}

TEST_F(EngineTest, CountsCutTokens) {
  Engine engine(loaded_, {.max_context = 10});
  const std::vector<Request> requests = {LoglikelihoodRequest{std::string(30, 'c'), "xyz"}};
  EXPECT_EQ(std::get<LoglikelihoodResponse>(engine.answer(requests)[0]).n_cut_tokens, 22U);
}

TEST_F(EngineTest, NamesTheRequestThatCannotBeAsked) {
  Engine engine(loaded_, {.max_context = 4});
  const std::vector<Request> requests = {LoglikelihoodRequest{"a", "b"},
                                         LoglikelihoodRequest{"a", " cdefg"}};
  try {
    engine.answer(requests);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_STREQ(error.what(),
                 "request 2: a continuation of 6 tokens, wanted at most the context of 4");
  }
}

TEST_F(EngineTest, TheContextIsAtMostTheModels) {
  EXPECT_EQ(Engine(loaded_, {}).options().max_context, 64U);
  EXPECT_EQ(Engine(loaded_, {.max_context = 1000}).options().max_context, 64U);
  EXPECT_FALSE(default_engine_options(loaded_).add_bos);
}

}  // namespace
}  // namespace nibble::eval
