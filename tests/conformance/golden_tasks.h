/// The golden files of lm-evaluation-harness's tasks, for the tests that compare with them.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "unit/eval/tasks/golden_requests.h"

namespace nibble::eval {

/// "arc_easy_5shot": a file of golden/eval each.
inline std::vector<std::string> golden_task_names() {
  return {"arc_challenge_0shot",
          "arc_challenge_25shot",
          "arc_easy_0shot",
          "arc_easy_5shot",
          "boolq_0shot",
          "boolq_5shot",
          "commonsense_qa_0shot",
          "commonsense_qa_7shot",
          "coqa_0shot",
          "drop_0shot",
          "gsm8k_5shot",
          "gsm8k_cot_8shot",
          "hellaswag_0shot",
          "hellaswag_10shot",
          "lambada_openai_0shot",
          "mmlu_abstract_algebra_0shot",
          "mmlu_abstract_algebra_5shot",
          "mmlu_anatomy_0shot",
          "mmlu_anatomy_5shot",
          "mmlu_world_religions_5shot",
          "nq_open_0shot",
          "nq_open_5shot",
          "openbookqa_0shot",
          "openbookqa_5shot",
          "piqa_0shot",
          "piqa_5shot",
          "sciq_0shot",
          "social_iqa_0shot",
          "social_iqa_5shot",
          "squad_completion_0shot",
          "squadv2_0shot",
          "triviaqa_0shot",
          "triviaqa_5shot",
          "truthfulqa_mc1_0shot",
          "truthfulqa_mc2_0shot",
          "winogrande_0shot",
          "winogrande_5shot"};
}

inline std::optional<std::filesystem::path> golden_task_file(const std::string& name) {
  return nibble::testing::golden("eval/" + name + ".jsonl");
}

/// Where a task's rows lie: those of squad_completion beside its golden file, as it says how they
/// were made.
inline std::filesystem::path golden_rows(const std::string& name,
                                         const std::filesystem::path& data) {
  return name.starts_with("squad_completion")
             ? nibble::testing::source_path("tests/golden/eval/data")
             : data;
}

/// The reference was run with answers of at most 64 tokens.
inline std::unique_ptr<Task> golden_task(const std::string& name,
                                         const std::filesystem::path& data,
                                         std::size_t limit,
                                         const ChatSettings& chat = {}) {
  return make_task(
             name,
             {.data = golden_rows(name, data), .limit = limit, .chat = chat, .max_answer = 64})
      .take();
}

inline nlohmann::json as_golden(const Request& request) {
  if (const auto* generation = std::get_if<GenerationRequest>(&request)) {
    return {{"type", "generate_until"},
            {"context", generation->prompt},
            {"until", generation->stop},
            {"max_tokens", generation->max_tokens}};
  }
  const auto& scored = std::get<LoglikelihoodRequest>(request);
  return {{"type", "loglikelihood"},
          {"context", scored.context},
          {"continuation", scored.continuation}};
}

/// The golden request in the same form.
inline nlohmann::json without_answers(const nlohmann::json& request) {
  nlohmann::json out = {{"type", request.at("type")}, {"context", request.at("context")}};
  if (request.at("type") == "generate_until") {
    out["until"] = request.at("gen_kwargs").at("until");
    out["max_tokens"] = request.value("max_gen_toks_used", 64);
  } else {
    out["continuation"] = request.at("continuation");
  }
  return out;
}

/// What the reference's model answered; empty for a document that was only asked.
inline std::vector<Response> golden_responses(const nlohmann::json& line) {
  std::vector<Response> out;
  for (const auto& request : line.at("requests")) {
    if (request.contains("generated")) {
      out.emplace_back(GenerationResponse{.text = request.at("generated"), .n_tokens = 1});
    } else if (request.contains("loglikelihood")) {
      out.emplace_back(LoglikelihoodResponse{.logprob = request.at("loglikelihood"),
                                             .is_greedy = request.at("is_greedy"),
                                             .n_tokens = 1});
    }
  }
  return out;
}

/// The reference's metrics of one document, filter by filter. A perplexity is there as the
/// log-likelihood, of which ours is the negative.
inline void expect_golden_metrics(const SampleScores& scores,
                                  const nlohmann::json& line,
                                  double tolerance = 1e-9) {
  const auto& filters = line.at("metrics");
  for (const auto& [filter, metrics] : filters.items()) {
    for (const auto& [metric, value] : metrics.items()) {
      const std::string name = filters.size() > 1 ? metric + "," + filter : metric;
      const auto found = scores.find(name);
      ASSERT_NE(found, scores.end()) << name;
      ASSERT_TRUE(found->second) << name;
      const double sum = metric == "perplexity" ? -found->second->sum : found->second->sum;
      EXPECT_NEAR(sum, value.get<double>(), tolerance)
          << name << " of document " << line.at("doc_id");
    }
  }
}

}  // namespace nibble::eval
