#include "eval/results/logged_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/file.h"

namespace nibble::eval {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = "results_";

bool is_results_file(const fs::path& path) {
  return path.filename().string().starts_with(kPrefix) && path.extension() == ".json";
}

/// The last by name, which ends in the time; "" for none.
fs::path newest_results(const fs::path& folder) {
  fs::path newest;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.is_regular_file() && is_results_file(entry.path()) && entry.path() > newest) {
      newest = entry.path();
    }
  }
  return newest;
}

/// Perplexities hold log-likelihoods; everything else is an ordinary score.
Transform transform_of(std::string_view metric) {
  if (metric.find("perplexity") != std::string_view::npos) {
    return Transform::kExp;
  }
  return metric.starts_with("bits_per_byte") ? Transform::kPerLn2 : Transform::kIdentity;
}

/// Whether higher is better, where the results say so.
Direction direction_of(const Json& results, const std::string& task, const std::string& metric) {
  const std::string name = metric.substr(0, metric.find(','));
  const bool is_loss = transform_of(name) != Transform::kIdentity;
  const auto directions = results.find("higher_is_better");
  if (directions != results.end() && directions->is_object() && directions->contains(task)) {
    const Json& row = directions->at(task);
    if (row.is_object() && row.contains(name) && row.at(name).is_boolean()) {
      return row.at(name).get<bool>() ? Direction::kHigher : Direction::kLower;
    }
  }
  return is_loss ? Direction::kLower : Direction::kHigher;
}

class SampleReader {
 public:
  SampleReader(const Json& results, LoggedTask& task, std::string where)
      : results_(results), task_(task), where_(std::move(where)) {}

  void read(const Json& line, std::size_t number) {
    line_ = number;
    if (!line.is_object() || !line.contains("doc_id") || !line["doc_id"].is_number_unsigned() ||
        !line.contains("metrics") || !line["metrics"].is_array()) {
      reject("no sample, wanted an object with doc_id and metrics");
    }
    LoggedSample& sample = task_.samples[line["doc_id"].get<std::size_t>()];
    sample.document_hash = text(line, "doc_hash");
    sample.prompt_hash = text(line, "prompt_hash");
    const std::string filter = line.contains("filter") ? text(line, "filter") : "none";
    for (const Json& name : line["metrics"]) {
      if (!name.is_string() || !line.contains(name.get<std::string>())) {
        reject("a metric is named that the line does not have");
      }
      add_score(sample, name.get<std::string>(), filter, line.at(name.get<std::string>()));
    }
  }

 private:
  [[noreturn]] void reject(std::string_view reason) const {
    raise(ErrorCode::kCorruptData, "{}:{}: {}", where_, line_, reason);
  }
  [[nodiscard]] std::string text(const Json& line, const char* key) const {
    if (!line.contains(key) || !line[key].is_string()) {
      reject(fmt::format("no '{}', wanted a text", key));
    }
    return line[key].get<std::string>();
  }

  void add_score(LoggedSample& sample,
                 const std::string& metric,
                 const std::string& filter,
                 const Json& value) {
    const std::string name = filter == "none" ? metric : metric + "," + filter;
    if (std::ranges::find(task_.metrics, name, &MetricRow::name) == task_.metrics.end()) {
      task_.metrics.push_back(
          {name, "", direction_of(results_, task_.name, name), transform_of(metric)});
    }
    sample.scores[name] = contribution(metric, value);
  }

  [[nodiscard]] std::optional<Contribution> contribution(const std::string& metric,
                                                         const Json& value) const {
    const double sign = transform_of(metric) == Transform::kIdentity ? 1 : -1;
    if (value.is_null()) {
      return std::nullopt;
    }
    if (value.is_number()) {
      return Contribution{sign * value.get<double>(), 1};
    }
    if (value.is_boolean()) {
      return Contribution{value.get<bool>() ? 1.0 : 0.0, 1};
    }
    if (value.is_array() && value.size() == 2 && value[0].is_number() && value[1].is_number() &&
        value[1].get<double>() > 0) {
      return Contribution{sign * value[0].get<double>(), value[1].get<double>()};
    }
    reject(fmt::format("'{}' is no score, wanted a number or [sum, weight]", metric));
  }

  const Json& results_;
  LoggedTask& task_;
  std::string where_;
  std::size_t line_ = 0;
};

/// "samples_TASK_TIME.jsonl" to TASK, or "".
std::string task_of(const fs::path& path, std::string_view time) {
  const std::string name = path.filename().string();
  const std::string end = fmt::format("_{}.jsonl", time);
  constexpr std::string_view kBegin = "samples_";
  return name.starts_with(kBegin) && name.ends_with(end) && name.size() > kBegin.size() + end.size()
             ? name.substr(kBegin.size(), name.size() - kBegin.size() - end.size())
             : "";
}

/// Groups put together of the tasks below them.
class GroupReader {
 public:
  GroupReader(const Json& groups, std::vector<LoggedTask>& tasks)
      : groups_(groups), tasks_(tasks) {}

  /// Adds the groups in front of the tasks.
  void add_all() {
    std::vector<LoggedTask> out;
    for (const auto& [name, children] : groups_.items()) {
      const bool is_group = children.is_array() && !children.empty();
      if (LoggedTask group = pooled(name); is_group && !group.samples.empty()) {
        out.push_back(std::move(group));
      }
    }
    for (LoggedTask& task : tasks_) {
      out.push_back(std::move(task));
    }
    for (LoggedTask& task : out) {
      task.is_part = parts_.contains(task.name);
    }
    tasks_ = std::move(out);
  }

 private:
  /// Documents of a group's n-th task are counted from n times this on.
  static constexpr std::size_t kStride = std::size_t{1} << 32;

  LoggedTask pooled(const std::string& name) {
    std::vector<std::string> below;
    std::set<std::string> seen;
    gather(name, below, seen);
    LoggedTask out{name, {}, {}};
    for (std::size_t n = 0; n < below.size(); ++n) {
      const auto task = std::ranges::find(tasks_, below[n], &LoggedTask::name);
      if (task == tasks_.end()) {
        continue;
      }
      out.metrics = task->metrics;
      for (const auto& [id, sample] : task->samples) {
        out.samples[n * kStride + id] = sample;
      }
    }
    return out;
  }

  /// The tasks below a group. A group that holds itself is met once.
  void gather(const std::string& name, std::vector<std::string>& out, std::set<std::string>& seen) {
    const auto children = groups_.find(name);
    if (!seen.insert(name).second) {
      return;
    }
    if (children == groups_.end() || !children->is_array() || children->empty()) {
      out.push_back(name);
      return;
    }
    for (const Json& child : *children) {
      if (child.is_string() && child.get<std::string>() != name) {
        parts_.insert(child.get<std::string>());
        gather(child.get<std::string>(), out, seen);
      }
    }
  }

  const Json& groups_;
  std::vector<LoggedTask>& tasks_;
  std::set<std::string> parts_;
};

}  // namespace

fs::path find_results_file(const fs::path& given) {
  if (!fs::exists(given)) {
    raise(ErrorCode::kNotFound, "{}: no such file or folder", given.string());
  }
  if (!fs::is_directory(given)) {
    return given;
  }
  if (const fs::path here = newest_results(given); !here.empty()) {
    return here;
  }
  std::vector<fs::path> below;
  for (const auto& entry : fs::directory_iterator(given)) {
    if (entry.is_directory() && !newest_results(entry.path()).empty()) {
      below.push_back(newest_results(entry.path()));
    }
  }
  if (below.empty()) {
    raise(
        ErrorCode::kNotFound, "{}: no {}*.json, here or one folder down", given.string(), kPrefix);
  }
  if (below.size() > 1) {
    raise(ErrorCode::kInvalidArgument,
          "{}: results of {} models; name the folder of one",
          given.string(),
          below.size());
  }
  return below.front();
}

LoggedRun read_logged_run(const fs::path& given) {
  LoggedRun run;
  run.path = find_results_file(given);
  run.results = std::make_shared<const Json>(
      parse_json(read_text_file(run.path).take(), run.path.string()).take());
  if (!run.results->is_object()) {
    raise(ErrorCode::kCorruptData, "{}: no object, wanted results", run.path.string());
  }
  const std::string stem = run.path.stem().string();
  const std::string time = stem.substr(std::min(kPrefix.size(), stem.size()));
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(fs::absolute(run.path).parent_path())) {
    if (!task_of(entry.path(), time).empty()) {
      files.push_back(entry.path());
    }
  }
  std::ranges::sort(files);
  for (const fs::path& file : files) {
    LoggedTask task{task_of(file, time), {}, {}};
    SampleReader reader(*run.results, task, file.string());
    for_each_json_line(read_text_file(file).take(),
                       file.string(),
                       [&](Json&& line, std::size_t number) -> Result<void> {
                         reader.read(line, number);
                         return {};
                       })
        .take();
    run.tasks.push_back(std::move(task));
  }
  const auto groups = run.results->find("group_subtasks");
  if (groups != run.results->end() && groups->is_object()) {
    GroupReader(*groups, run.tasks).add_all();
  }
  return run;
}

}  // namespace nibble::eval
