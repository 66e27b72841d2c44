#include "eval/scorer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "base/cancel.h"
#include "unit/eval/fake_model.h"

namespace nibble::eval {
namespace {

ScoredInput input(std::vector<std::int32_t> tokens, std::vector<std::int32_t> targets) {
  ScoredInput one;
  one.first_row = tokens.size() - targets.size();
  one.tokens = std::move(tokens);
  one.targets = std::move(targets);
  return one;
}

struct Scored {
  std::vector<InputScore> scores;
  std::vector<int> n_calls;
  ScorerCounters counters;
};

Scored score(FakeModel& model,
             const std::vector<ScoredInput>& inputs,
             const ScorerOptions& options = {}) {
  Scored scored{std::vector<InputScore>(inputs.size()), std::vector<int>(inputs.size()), {}};
  score_inputs(model, inputs, options, scored.counters, [&](std::size_t i, const InputScore& one) {
    scored.scores[i] = one;
    ++scored.n_calls[i];
  });
  return scored;
}

double expected_logprob(const ScoredInput& one) {
  double sum = 0;
  for (std::size_t i = 0; i < one.targets.size(); ++i) {
    sum += FakeModel::logprob(std::span(one.tokens).first(one.first_row + i + 1), one.targets[i]);
  }
  return sum;
}

/// Questions of 5 to 150 tokens, some with a common beginning, each with choices of 1 to 20 tokens.
std::vector<ScoredInput> many_inputs(std::uint32_t seed, std::size_t n_questions) {
  std::mt19937 random(seed);
  const auto tokens = [&](std::size_t n) {
    std::vector<std::int32_t> out(n);
    for (std::int32_t& token : out) {
      token = static_cast<std::int32_t>(random() % 256);
    }
    return out;
  };
  const std::vector<std::int32_t> beginning = tokens(70);
  std::vector<ScoredInput> inputs;
  for (std::size_t q = 0; q < n_questions; ++q) {
    std::vector<std::int32_t> context = random() % 2 == 0 ? beginning : std::vector<std::int32_t>();
    for (const std::int32_t token : tokens(5 + random() % 146)) {
      context.push_back(token);
    }
    for (int k = 0; k < 4; ++k) {
      const std::vector<std::int32_t> choice = tokens(1 + random() % 20);
      std::vector<std::int32_t> all = context;
      all.insert(all.end(), choice.begin(), choice.end() - 1);
      inputs.push_back(input(std::move(all), choice));
    }
  }
  return inputs;
}

TEST(Scorer, AnswersAsIfEachInputWereAlone) {
  const std::vector<ScoredInput> inputs = many_inputs(1, 30);
  FakeModel model;
  const Scored scored = score(model, inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    EXPECT_EQ(scored.n_calls[i], 1);
    EXPECT_NEAR(scored.scores[i].logprob, expected_logprob(inputs[i]), 1e-4) << i;
  }
}

TEST(Scorer, BatchesAndBudgetsDoNotChangeTheResult) {
  const std::vector<ScoredInput> inputs = many_inputs(2, 20);
  FakeModel model;
  const Scored reference = score(model, inputs);
  const std::size_t page = model::kPageTokens * 2 * sizeof(float);
  for (const std::size_t batch_tokens : {1, 7, 64, 100'000}) {
    for (const std::size_t kv_bytes : {page, 20 * page, std::size_t{0}}) {
      const Scored scored =
          score(model, inputs, {.batch_tokens = batch_tokens, .kv_bytes = kv_bytes});
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        ASSERT_EQ(scored.scores[i].logprob, reference.scores[i].logprob)
            << "batch " << batch_tokens << ", cache " << kv_bytes;
      }
      ASSERT_EQ(scored.counters.n_computed_tokens, reference.counters.n_computed_tokens);
    }
  }
}

TEST(Scorer, NeitherSharingNorTheNumberOfSequencesChangesTheResult) {
  const std::vector<ScoredInput> inputs = many_inputs(5, 10);
  FakeModel model;
  const Scored reference = score(model, inputs);
  for (const std::size_t batch_sequences : {1, 2, 32}) {
    for (const bool share : {false, true}) {
      const Scored scored =
          score(model, inputs, {.batch_sequences = batch_sequences, .share_prefixes = share});
      for (std::size_t i = 0; i < inputs.size(); ++i) {
        ASSERT_EQ(scored.scores[i].logprob, reference.scores[i].logprob) << batch_sequences;
      }
      EXPECT_EQ(scored.counters.n_computed_tokens > reference.counters.n_computed_tokens, !share);
    }
  }
}

TEST(Scorer, AtMostSoManySequencesShareABatch) {
  FakeModel model;
  const ScoredInput one = input(std::vector<std::int32_t>(20, 7), {1});
  score(model, {one, one, one}, {.batch_sequences = 2, .share_prefixes = false});
  EXPECT_THAT(model.n_batch_tokens, ::testing::ElementsAre(40, 20));
}

TEST(Scorer, PacksBatchesOfTheWantedSize) {
  FakeModel model;
  score(model, many_inputs(3, 40), {.batch_tokens = 200});
  ASSERT_GT(model.n_batch_tokens.size(), 3U);
  std::size_t total = 0;
  for (const std::size_t n : model.n_batch_tokens) {
    EXPECT_LE(n, 200U);
    total += n;
  }
  EXPECT_GT(total / model.n_batch_tokens.size(), 140U);
}

TEST(Scorer, ComputesACommonPrefixOnce) {
  FakeModel model;
  const std::vector<std::int32_t> context(100, 5);
  std::vector<ScoredInput> inputs;
  for (std::int32_t k = 0; k < 4; ++k) {
    std::vector<std::int32_t> tokens = context;
    tokens.push_back(10 + k);
    inputs.push_back(input(tokens, {10 + k, 20}));
  }
  const Scored scored = score(model, inputs);
  EXPECT_EQ(scored.counters.n_computed_tokens, 104U);
  EXPECT_EQ(scored.counters.n_head_rows, 5U);  // the context's last row serves all four
}

TEST(Scorer, OneTokenContinuationsNeedTheContextOnly) {
  FakeModel model;
  const std::vector<std::int32_t> context = {1, 2, 3};
  const std::vector<ScoredInput> inputs = {
      input(context, {65}), input(context, {66}), input(context, {65}), input(context, {67})};
  const Scored scored = score(model, inputs);
  EXPECT_EQ(scored.counters.n_computed_tokens, 3U);
  EXPECT_EQ(scored.counters.n_head_rows, 1U);
  EXPECT_EQ(scored.scores[0].logprob, scored.scores[2].logprob);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    EXPECT_NEAR(scored.scores[i].logprob, expected_logprob(inputs[i]), 1e-5);
  }
}

TEST(Scorer, GreedyMeansEveryTargetIsTheLikeliest) {
  FakeModel model;
  const std::vector<std::int32_t> context = {9, 8};
  std::int32_t likeliest = 0;
  for (std::int32_t v = 0; v < 259; ++v) {
    if (FakeModel::logprob(context, v) > FakeModel::logprob(context, likeliest)) {
      likeliest = v;
    }
  }
  const std::int32_t other = likeliest == 1 ? 2 : 1;
  const Scored scored = score(model, {input(context, {likeliest}), input(context, {other})});
  EXPECT_TRUE(scored.scores[0].is_greedy);
  EXPECT_FALSE(scored.scores[1].is_greedy);
}

TEST(Scorer, RespondsAboutInTheOrderOfTheInputs) {
  FakeModel model;
  std::vector<ScoredInput> inputs;
  for (std::int32_t i = 0; i < 50; ++i) {
    inputs.push_back(input(std::vector<std::int32_t>(20, 250 - i), {1}));
  }
  std::vector<std::size_t> order;
  ScorerCounters counters;
  score_inputs(
      model, inputs, {.batch_tokens = 40}, counters, [&](std::size_t i, const InputScore&) {
        order.push_back(i);
      });
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST(Scorer, StopsBetweenBatchesOnRequest) {
  FakeModel model;
  CancelFlag& flag = cancel_flag();
  flag.request();
  EXPECT_THROW(score(model, many_inputs(4, 3)), Error);
  flag.~CancelFlag();
  new (&flag) CancelFlag;
  EXPECT_TRUE(model.n_batch_tokens.empty());
}

TEST(Scorer, NothingToDo) {
  FakeModel model;
  EXPECT_EQ(score(model, {}).counters.n_computed_tokens, 0U);
}

}  // namespace
}  // namespace nibble::eval
