/// What lm-evaluation-harness 0.4.13 wrote for the first twelve rows of arc_easy in this repository's
/// data (SmolLM2-135M-Instruct, float32, `--limit 12 --log_samples`): tests/golden/eval/lm_eval.
/// Only paths and `pretty_env_info` were taken out of results.json.
#pragma once

#include <nlohmann/json.hpp>
#include <sstream>

#include "eval/evaluate.h"
#include "support/files.h"

namespace nibble::eval {

using OrderedJson = nlohmann::ordered_json;

struct LmEvalGolden {
  std::vector<OrderedJson> samples;
  OrderedJson results;
};

inline LmEvalGolden read_lm_eval_golden() {
  LmEvalGolden out;
  const auto folder = testing::source_path("tests/golden/eval/lm_eval");
  out.results = OrderedJson::parse(testing::read_file(folder / "results.json"));
  std::istringstream lines(testing::read_file(folder / "samples_arc_easy.jsonl"));
  for (std::string line; std::getline(lines, line);) {
    out.samples.push_back(OrderedJson::parse(line));
  }
  return out;
}

/// arc_easy over the rows that lm-eval was given.
inline std::unique_ptr<Task> golden_task(const LmEvalGolden& golden,
                                         const testing::TempFolder& folder) {
  std::string rows;
  for (const OrderedJson& sample : golden.samples) {
    rows += sample.at("doc").dump() + "\n";
  }
  std::filesystem::create_directories(folder / "arc_easy");
  testing::write_file(folder.path() / "arc_easy" / "test.jsonl", rows);
  return make_task("arc_easy", {.data = folder.path()}).take();
}

/// lm-eval's own log-probabilities as answers.
inline std::vector<Response> golden_responses(const OrderedJson& sample) {
  std::vector<Response> out;
  for (const OrderedJson& pair : sample.at("filtered_resps")) {
    out.emplace_back(LoglikelihoodResponse{.logprob = std::stod(pair.at(0).get<std::string>()),
                                           .is_greedy = pair.at(1).get<std::string>() == "True"});
  }
  return out;
}

}  // namespace nibble::eval
