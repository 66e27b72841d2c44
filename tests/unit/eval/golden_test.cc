// The engine on real weights in float32, against the Transformers library and
// lm-evaluation-harness.
#include <gtest/gtest.h>

#include <cstdlib>
#include <numeric>

#include "eval/evaluate.h"
#include "eval/tasks/choice.h"
#include "support/files.h"
#include "unit/eval/tasks/golden_requests.h"

namespace nibble::eval {
namespace {

using nibble::testing::data_folder;
using nibble::testing::demo_model;
using nibble::testing::golden;
using nibble::testing::other_model;
using nibble::testing::read_file;

ThreadPool& pool() {
  static ThreadPool threads;
  return threads;
}

model::LoadedModel load(const std::filesystem::path& path) {
  return model::load_model(
             path, {.arithmetic = Arithmetic::kF32, .with_hash = false}, pool(), silent_progress())
      .take();
}

/// Two float32 summation orders differ by this much at most (derived from a comparison with
/// float64).
double logprob_tolerance(std::size_t n_tokens) {
  return 2e-4 + 2e-5 * static_cast<double>(n_tokens);
}

/// All scored requests of `lines` in one call.
void expect_golden_scores(Engine& engine, const std::vector<nlohmann::json>& lines) {
  std::vector<Request> requests;
  std::vector<nlohmann::json> expected;
  for (const auto& line : lines) {
    for (const auto& request : line.at("requests")) {
      if (request.contains("loglikelihood")) {
        requests.emplace_back(
            LoglikelihoodRequest{request.at("context"), request.at("continuation")});
        expected.push_back(request);
      }
    }
  }
  ASSERT_FALSE(requests.empty());
  const std::vector<Response> responses = engine.answer(requests);
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const auto& response = std::get<LoglikelihoodResponse>(responses[i]);
    EXPECT_NEAR(response.logprob,
                expected[i].at("loglikelihood").get<double>(),
                logprob_tolerance(response.n_tokens))
        << expected[i].at("continuation");
    EXPECT_EQ(response.is_greedy, expected[i].at("is_greedy").get<bool>());
  }
}

/// acc and acc_norm of each scored document, from the golden requests and our log-likelihoods.
void expect_golden_decisions(Engine& engine, const std::vector<nlohmann::json>& lines) {
  std::vector<ChoiceItem> items;
  for (const auto& line : lines) {
    if (!line.contains("metrics") || line.at("metrics").empty()) {
      continue;
    }
    ChoiceItem item{"", line.at("requests")[0].at("context"), {}, line.at("target")};
    for (const auto& request : line.at("requests")) {
      item.choices.push_back(request.at("continuation").get<std::string>().substr(1));
    }
    items.push_back(std::move(item));
  }
  const ChoiceTask task(TaskInfo{.name = "golden"}, items);
  std::vector<std::size_t> all(items.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  run_samples(engine, task, all, [&](const Sample& sample, const SampleResult& result) {
    const auto& metrics = lines[sample.index].at("metrics").at("none");
    EXPECT_EQ(result.scores.at("acc")->sum, metrics.at("acc").get<double>()) << sample.index;
    EXPECT_EQ(result.scores.at("acc_norm")->sum, metrics.at("acc_norm").get<double>())
        << sample.index;
  });
}

class MultipleChoiceGolden : public ::testing::TestWithParam<const char*> {};

TEST_P(MultipleChoiceGolden, ScoresAndDecisions) {
  NIBBLE_NEEDS_FILE(path, demo_model());
  NIBBLE_NEEDS_FILE(file, golden(std::string("eval/") + GetParam() + ".jsonl"));
  model::LoadedModel model = load(path);
  Engine engine(model, default_engine_options(model));
  const auto lines = golden_lines(file);
  expect_golden_scores(engine, lines);
  expect_golden_decisions(engine, lines);
}

INSTANTIATE_TEST_SUITE_P(Tasks,
                         MultipleChoiceGolden,
                         ::testing::Values("arc_easy_0shot",
                                           "arc_challenge_0shot",
                                           "hellaswag_0shot"));

TEST(GenerationGolden, SquadPrompts) {
  NIBBLE_NEEDS_FILE(path, demo_model());
  NIBBLE_NEEDS_FILE(file, golden("eval/squadv2_0shot.jsonl"));
  model::LoadedModel model = load(path);
  Engine engine(model, default_engine_options(model));
  std::vector<Request> requests;
  std::vector<std::string> expected;
  for (const auto& line : golden_lines(file)) {
    const auto& request = line.at("requests")[0];
    if (request.contains("generated")) {
      requests.emplace_back(
          GenerationRequest{request.at("context"),
                            request.at("max_gen_toks_used").get<std::size_t>(),
                            request.at("gen_kwargs").at("until").get<std::vector<std::string>>()});
      expected.push_back(request.at("generated"));
    }
  }
  ASSERT_FALSE(requests.empty());
  const auto responses = engine.answer(requests);
  for (std::size_t i = 0; i < responses.size(); ++i) {
    EXPECT_EQ(std::get<GenerationResponse>(responses[i]).text, expected[i]);
  }
}

/// Every window that the reference scored, or the first `limit` of them.
void expect_windows(Engine& engine,
                    const std::filesystem::path& data,
                    const char* task_name,
                    const nlohmann::json& expected,
                    std::size_t limit) {
  const auto& windows = expected.at("windows");
  const std::size_t n = std::min(limit, windows.size());
  const std::unique_ptr<Task> task =
      make_task(task_name, {.data = data, .limit = n, .tokenizer = engine.model().tokenizer.get()})
          .take();
  std::vector<Request> requests;
  for (std::size_t i = 0; i < n; ++i) {
    requests.push_back(task->sample(i).requests.at(0));
  }
  const auto responses = engine.answer(requests);
  std::vector<SampleScores> scores;
  for (std::size_t i = 0; i < n; ++i) {
    const auto& response = std::get<LoglikelihoodResponse>(responses[i]);
    const double sum = windows[i].at("sum_nll").get<double>();
    EXPECT_NEAR(-response.logprob, sum, 2e-5 * sum) << task_name << " window " << i;
    EXPECT_EQ(response.n_tokens, windows[i].at("scored").get<std::size_t>());
    scores.push_back(task->score(task->sample(i), {&responses[i], 1}).scores);
  }
  if (n < windows.size()) {
    return;
  }
  const bool stride = expected.contains("ppl_token_mean");
  const auto rows = summarize(task->info(), scores, {.n_replicates = 10});
  const double value = expected.at(stride ? "ppl_token_mean" : "ppl").get<double>();
  EXPECT_NEAR(rows.at(0).interval.value, value, 1e-4 * value);
  if (stride) {
    const double weighted = expected.at("ppl_hf_doc_weights").get<double>();
    EXPECT_NEAR(rows.at(1).interval.value, weighted, 1e-4 * weighted);
  }
}

void expect_documents(Engine& engine,
                      const std::filesystem::path& data,
                      const nlohmann::json& expected,
                      std::size_t limit) {
  const auto& documents = expected.at("docs");
  const std::size_t n = std::min(limit, documents.size());
  const std::unique_ptr<Task> task = make_task("wikitext", {.data = data, .limit = n}).take();
  std::vector<std::size_t> all(n);
  std::iota(all.begin(), all.end(), std::size_t{0});
  std::vector<SampleScores> scores;
  run_samples(engine, *task, all, [&](const Sample& sample, const SampleResult& result) {
    const auto& document = documents[sample.index];
    const double loglikelihood = document.at("loglikelihood").get<double>();
    EXPECT_NEAR(-result.scores.at("perplexity")->sum, loglikelihood, -2e-5 * loglikelihood);
    EXPECT_EQ(result.scores.at("perplexity")->weight, document.at("n_tokens").get<double>());
    EXPECT_EQ(result.scores.at("word_perplexity")->weight, document.at("words").get<double>());
    EXPECT_EQ(result.scores.at("byte_perplexity")->weight, document.at("bytes").get<double>());
    scores.push_back(result.scores);
  });
  ASSERT_EQ(scores.size(), n);
  if (n == documents.size()) {
    for (const MetricSummary& row : summarize(task->info(), scores, {.n_replicates = 10})) {
      if (expected.contains(row.metric.name)) {
        const double value = expected.at(row.metric.name).get<double>();
        EXPECT_NEAR(row.interval.value, value, 1e-4 * value) << row.metric.name;
      }
    }
  }
}

struct Perplexities {
  model::LoadedModel model;
  Engine engine;
  nlohmann::json expected;

  Perplexities(const std::filesystem::path& model_path, const std::filesystem::path& golden_file)
      : model(load(model_path)),
        engine(model, default_engine_options(model)),
        expected(nlohmann::json::parse(read_file(golden_file))) {}

  void expect_all(const std::filesystem::path& data) {
    constexpr std::size_t kAll = 1000;
    const auto& stride = expected.at("sliding_2048_stride_512");
    expect_windows(engine, data, "wikitext_stride512", stride, kAll);
    const auto& disjoint = expected.at("disjoint_2048_gptq");
    expect_windows(engine, data, "wikitext_disjoint2048", disjoint, kAll);
    expect_documents(engine, data, expected.at("lm_eval_rolling_2048"), kAll);
  }
};

TEST(PerplexityGolden, FirstWindowsOfSmolLM2) {
  NIBBLE_NEEDS_FILE(path, demo_model());
  NIBBLE_NEEDS_FILE(data, data_folder());
  NIBBLE_NEEDS_FILE(file, golden("eval/perplexity_smollm2.json"));
  Perplexities perplexities(path, file);
  const auto& disjoint = perplexities.expected.at("disjoint_2048_gptq");
  expect_windows(perplexities.engine, data, "wikitext_disjoint2048", disjoint, 1);
  const auto& rolling = perplexities.expected.at("lm_eval_rolling_2048");
  expect_documents(perplexities.engine, data, rolling, 1);
}

/// More than 60,000 tokens in float32: `NIBBLE_SLOW_TESTS=1`.
TEST(PerplexityGolden, AllWindowsOfSmolLM2) {
  if (std::getenv("NIBBLE_SLOW_TESTS") == nullptr) {
    GTEST_SKIP() << "minutes of float32; set NIBBLE_SLOW_TESTS=1";
  }
  NIBBLE_NEEDS_FILE(path, demo_model());
  NIBBLE_NEEDS_FILE(data, data_folder());
  NIBBLE_NEEDS_FILE(file, golden("eval/perplexity_smollm2.json"));
  Perplexities(path, file).expect_all(data);
}

TEST(PerplexityGolden, AllWindowsOfQwen25) {
  if (std::getenv("NIBBLE_SLOW_TESTS") == nullptr) {
    GTEST_SKIP() << "minutes of float32; set NIBBLE_SLOW_TESTS=1";
  }
  NIBBLE_NEEDS_FILE(path, other_model("qwen2.5-coder-0.5b-q4_k_m.gguf"));
  NIBBLE_NEEDS_FILE(data, data_folder());
  NIBBLE_NEEDS_FILE(file, golden("eval/perplexity_qwen25.json"));
  Perplexities(path, file).expect_all(data);
}

}  // namespace
}  // namespace nibble::eval
