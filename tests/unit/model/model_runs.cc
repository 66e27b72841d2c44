#include "unit/model/model_runs.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "base/progress.h"
#include "model/architectures.h"
#include "ops/elementwise.h"
#include "support/files.h"

namespace nibble::model::testing {

TestModel::TestModel(const std::filesystem::path& path, Arithmetic arithmetic)
    : checkpoint_(io::open_checkpoint(path).take()), config_(read_config(*checkpoint_).take()) {
  const WeightLoader weights(*checkpoint_, config_, arithmetic, pool_, silent_progress());
  model_ = find_architecture(config_.architecture)->build(config_, weights);
}

Logits TestModel::run(KvCache& cache,
                      std::span<const SequenceChunk> chunks,
                      std::span<const std::uint32_t> wanted) {
  std::vector<float> hidden(wanted.size() * config_.hidden);
  const MatrixView<float> hidden_view(hidden.data(), wanted.size(), config_.hidden);
  model_->forward(chunks, cache, wanted, hidden_view);
  Logits out{std::vector<float>(wanted.size() * config_.vocab), config_.vocab};
  if (!wanted.empty()) {
    model_->head(hidden_view, {out.values.data(), wanted.size(), config_.vocab});
  }
  return out;
}

Logits TestModel::run_all(const Tokens& tokens, std::size_t chunk) {
  KvCache store = cache();
  const SequenceId sequence = store.create();
  Logits out{{}, config_.vocab};
  const std::size_t step = chunk == 0 ? tokens.size() : chunk;
  for (std::size_t first = 0; first < tokens.size(); first += step) {
    const SequenceChunk piece{
        sequence, std::span(tokens).subspan(first, std::min(step, tokens.size() - first))};
    std::vector<std::uint32_t> all(piece.tokens.size());
    std::iota(all.begin(), all.end(), 0U);
    const Logits part = run(store, std::span(&piece, 1), all);
    out.values.insert(out.values.end(), part.values.begin(), part.values.end());
  }
  return out;
}

std::vector<float> TestModel::next(KvCache& cache, SequenceId sequence, const Tokens& tokens) {
  const SequenceChunk chunk{sequence, tokens};
  const auto last = static_cast<std::uint32_t>(tokens.size() - 1);
  return run(cache, std::span(&chunk, 1), std::span(&last, 1)).values;
}

Tokens TestModel::generate(const Tokens& prompt, std::size_t n_tokens) {
  KvCache store = cache();
  const SequenceId sequence = store.create();
  Tokens out;
  Tokens fed = prompt;
  while (out.size() < n_tokens) {
    out.push_back(ops::argmax(next(store, sequence, fed)));
    fed = {out.back()};
  }
  return out;
}

double logsumexp(std::span<const float> logits) {
  const double top = *std::ranges::max_element(logits);
  return top +
         std::log(std::accumulate(logits.begin(), logits.end(), 0.0, [top](double sum, float x) {
           return sum + std::exp(static_cast<double>(x) - top);
         }));
}

double logprob(std::span<const float> logits, std::int32_t token) {
  return static_cast<double>(logits[static_cast<std::size_t>(token)]) - logsumexp(logits);
}

double max_difference(std::span<const float> a, std::span<const float> b) {
  if (a.size() != b.size()) {
    return std::numeric_limits<double>::infinity();
  }
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  }
  return largest;
}

namespace {

Json read_json(const std::filesystem::path& path) {
  return parse_json(nibble::testing::read_file(path), path.string()).take();
}

/// Logits of the ids in `ids_key` against the numbers in `values_key`.
void expect_logits(std::span<const float> row,
                   const Json& prompt,
                   const char* ids_key,
                   const char* values_key,
                   double tolerance) {
  const auto ids = prompt.at(ids_key).get<Tokens>();
  const auto values = prompt.at(values_key).get<std::vector<float>>();
  std::vector<float> found;
  std::ranges::transform(ids, std::back_inserter(found), [row](std::int32_t id) {
    return row[static_cast<std::size_t>(id)];
  });
  EXPECT_LE(max_difference(found, values), tolerance) << values_key;
}

/// The ids of the largest logits, largest first.
Tokens top_ids(std::span<const float> row, std::size_t n) {
  Tokens ids(row.size());
  std::iota(ids.begin(), ids.end(), 0);
  std::ranges::partial_sort(
      ids, ids.begin() + static_cast<std::ptrdiff_t>(n), std::greater{}, [row](std::int32_t id) {
        return row[static_cast<std::size_t>(id)];
      });
  ids.resize(n);
  return ids;
}

void expect_prompt(TestModel& model, const Json& prompt, double tolerance) {
  const auto ids = prompt.at("ids").get<Tokens>();
  const Logits logits = model.run_all(ids);
  const auto last = logits.row(logits.rows() - 1);
  expect_logits(last, prompt, "top20_ids", "top20_logits", tolerance);
  expect_logits(last, prompt, "probe_ids", "probe_logits", tolerance);
  EXPECT_NEAR(logsumexp(last), prompt.at("logsumexp_last").get<double>(), tolerance);
  EXPECT_EQ(top_ids(last, 20), prompt.at("top20_ids").get<Tokens>());

  const auto expected = prompt.at("next_token_logprobs").get<std::vector<double>>();
  const auto best = prompt.at("argmax_per_position").get<Tokens>();
  ASSERT_EQ(expected.size() + 1, ids.size());
  double largest = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    largest = std::max(largest, std::abs(logprob(logits.row(i), ids[i + 1]) - expected[i]));
  }
  EXPECT_LE(largest, tolerance);
  for (std::size_t i = 0; i < best.size(); ++i) {
    EXPECT_EQ(ops::argmax(logits.row(i)), best[i]) << "position " << i;
  }
}

}  // namespace

void expect_golden(TestModel& model, const std::filesystem::path& golden_json, double tolerance) {
  const Json golden = read_json(golden_json);
  ASSERT_FALSE(golden.at("prompts").empty());
  for (const Json& prompt : golden.at("prompts")) {
    SCOPED_TRACE(prompt.at("prompt").get<std::string>());
    expect_prompt(model, prompt, tolerance);
  }
}

void expect_golden_greedy(TestModel& model, const std::filesystem::path& golden_json) {
  const Json golden = read_json(golden_json);
  ASSERT_FALSE(golden.at("greedy").empty());
  for (const Json& run : golden.at("greedy")) {
    SCOPED_TRACE(run.at("prompt").get<std::string>());
    const auto expected = run.at("generated").get<Tokens>();
    EXPECT_EQ(model.generate(run.at("ids").get<Tokens>(), expected.size()), expected);
  }
}

}  // namespace nibble::model::testing
