#include "study/run_conditions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "base/file.h"
#include "base/json.h"
#include "eval/results/logged_run.h"
#include "store/store.h"

namespace nibble::study {
namespace {

namespace fs = std::filesystem;

/// Keys that say what is judged, in stores and in results files.
constexpr std::array kSubjects = std::to_array<std::string_view>({"model",
                                                                  "model_name",
                                                                  "model_num_parameters",
                                                                  "model_dtype",
                                                                  "model_sha",
                                                                  "recipe",
                                                                  "source weights",
                                                                  "study",
                                                                  "variant",
                                                                  "weights"});

/// Top-level keys of a results file that are conditions as they stand.
constexpr std::array kPlainKeys = std::to_array<const char*>({"chat_template_sha",
                                                              "eot_token_id",
                                                              "fewshot_as_multiturn",
                                                              "lm_eval_version",
                                                              "max_length",
                                                              "model_name",
                                                              "model_source",
                                                              "system_instruction_sha",
                                                              "tokenizer_bos_token",
                                                              "tokenizer_eos_token",
                                                              "tokenizer_pad_token",
                                                              "transformers_version"});
/// Likewise below "config".
constexpr std::array kConfigKeys = std::to_array<const char*>(
    {"fewshot_seed", "gen_kwargs", "limit", "model_dtype", "model_num_parameters", "model_sha"});
/// Objects with a key a task.
constexpr std::array kTaskKeys =
    std::to_array<const char*>({"n-samples", "n-shot", "task_hashes", "versions"});

std::string shown(const Json& value) {
  return value.is_string() ? value.get<std::string>() : dump_json(value);
}

void take(RunConditions& out, const std::string& key, const Json& from, const char* name) {
  if (from.is_object() && from.contains(name) && !from.at(name).is_null()) {
    out[key] = shown(from.at(name));
  }
}

const Json& member(const Json& from, const char* name) {
  static const Json empty = Json::object();
  return from.is_object() && from.contains(name) && from.at(name).is_object() ? from.at(name)
                                                                              : empty;
}

RunConditions of_results(const Json& results) {
  RunConditions out;
  for (const char* key : kPlainKeys) {
    take(out, key, results, key);
  }
  for (const char* key : kConfigKeys) {
    take(out, key, member(results, "config"), key);
  }
  for (const char* key : kTaskKeys) {
    for (const auto& [task, value] : member(results, key).items()) {
      if (value.is_object()) {
        take(out, fmt::format("{}: {}", task, key), value, "effective");
      } else {
        out[fmt::format("{}: {}", task, key)] = shown(value);
      }
    }
  }
  const Json& own = member(results, "nibble");
  for (const auto& [key, value] : member(own, "conditions").items()) {
    out[key] = shown(value);
  }
  for (const auto& [task, facts] : member(own, "tasks").items()) {
    take(out, task + ": protocol", facts, "protocol");
    take(out, task + ": data", facts, "data_hash");
  }
  return out;
}

RunConditions of_store(const store::Store& store) {
  RunConditions out;
  for (const store::Condition& condition : store.conditions()) {
    out[condition.key] = condition.value;
  }
  for (const store::TaskRecord& task : store.plan().tasks) {
    out[task.name + ": versions"] = fmt::format("{}.0", task.version);
    out[task.name + ": protocol"] = task.protocol;
    out[task.name + ": data"] = task.data_hash;
    out[task.name + ": n-samples"] = fmt::format("{}", task.n_samples);
  }
  return out;
}

}  // namespace

RunConditions read_run_conditions(const fs::path& run) {
  if (run.extension() == ".db") {
    return of_store(store::Store::open_read_only(run));
  }
  if (fs::exists(run / "study.db")) {
    return of_store(store::Store::open_read_only(run / "study.db"));
  }
  const fs::path path = eval::find_results_file(run);
  const Json results = parse_json(read_text_file(path).take(), path.string()).take();
  return of_results(results);
}

std::vector<ConditionDifference> differing_conditions(const RunConditions& a,
                                                      const RunConditions& b) {
  std::set<std::string> keys;
  for (const RunConditions* side : {&a, &b}) {
    for (const auto& [key, value] : *side) {
      keys.insert(key);
    }
  }
  const auto value_of = [](const RunConditions& side, const std::string& key) {
    const auto found = side.find(key);
    return found != side.end() ? found->second : std::string();
  };
  std::vector<ConditionDifference> out;
  for (const std::string& key : keys) {
    ConditionDifference row{key,
                            value_of(a, key),
                            value_of(b, key),
                            std::ranges::find(kSubjects, key) != kSubjects.end()};
    if (row.a != row.b) {
      out.push_back(std::move(row));
    }
  }
  return out;
}

}  // namespace nibble::study
