/// Every task that lm-evaluation-harness was run for, answered by the demo model in float32: log-
/// likelihoods within two summation orders of each other, generated texts and scores equal.
#include <gtest/gtest.h>

#include <numeric>

#include "conformance/golden_tasks.h"
#include "eval/evaluate.h"

namespace nibble::eval {
namespace {

using nibble::testing::data_folder;
using nibble::testing::demo_model;

/// Documents that the reference scored come first.
std::size_t n_scored(const std::vector<nlohmann::json>& lines) {
  std::size_t n = 0;
  while (n < lines.size() && !golden_responses(lines[n]).empty()) {
    ++n;
  }
  return n;
}

void expect_same_answers(const std::vector<Response>& responses, const nlohmann::json& line) {
  const auto expected = golden_responses(line);
  ASSERT_EQ(responses.size(), expected.size());
  for (std::size_t i = 0; i < responses.size(); ++i) {
    if (const auto* generated = std::get_if<GenerationResponse>(&responses[i])) {
      EXPECT_EQ(generated->text, std::get<GenerationResponse>(expected[i]).text);
      continue;
    }
    const auto& scored = std::get<LoglikelihoodResponse>(responses[i]);
    const auto& wanted = std::get<LoglikelihoodResponse>(expected[i]);
    const double tolerance = 2e-4 + 2e-5 * static_cast<double>(scored.n_tokens);
    EXPECT_NEAR(scored.logprob, wanted.logprob, tolerance);
    EXPECT_EQ(scored.is_greedy, wanted.is_greedy);
  }
}

class GoldenTaskOnModel : public ::testing::TestWithParam<std::string> {
 protected:
  static Engine& engine(const std::filesystem::path& path) {
    static ThreadPool pool;
    static model::LoadedModel model =
        model::load_model(
            path, {.arithmetic = Arithmetic::kF32, .with_hash = false}, pool, silent_progress())
            .take();
    static Engine engine(model, default_engine_options(model));
    return engine;
  }
};

TEST_P(GoldenTaskOnModel, IsAnsweredAndScoredAsTheReference) {
  NIBBLE_NEEDS_FILE(path, demo_model());
  NIBBLE_NEEDS_FILE(data, data_folder());
  NIBBLE_NEEDS_FILE(file, golden_task_file(GetParam()));
  const auto lines = golden_lines(file);
  const std::size_t n = n_scored(lines);
  if (n == 0) {
    GTEST_SKIP() << "no document has scores";
  }
  const auto task = golden_task(GetParam(), data, n);
  std::vector<Request> requests;
  for (std::size_t i = 0; i < n; ++i) {
    const Sample sample = task->sample(i);
    requests.insert(requests.end(), sample.requests.begin(), sample.requests.end());
  }
  const std::vector<Response> all = engine(path).answer(requests);
  auto next = all.begin();
  for (std::size_t i = 0; i < n; ++i) {
    const Sample sample = task->sample(i);
    const auto end = next + static_cast<std::ptrdiff_t>(sample.requests.size());
    const std::vector<Response> responses(next, end);
    next = end;
    expect_same_answers(responses, lines[i]);
    // Log-likelihoods and beliefs carry the tolerance of a sum; right or wrong is exact.
    expect_golden_metrics(task->score(sample, responses).scores, lines[i], 2e-3);
  }
}

INSTANTIATE_TEST_SUITE_P(Tasks,
                         GoldenTaskOnModel,
                         ::testing::ValuesIn(golden_task_names()),
                         [](const auto& one) { return one.param; });

}  // namespace
}  // namespace nibble::eval
