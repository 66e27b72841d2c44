#include "eval/results/compare.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "eval/stats/multiple.h"
#include "eval/stats/paired_proportions.h"
#include "eval/stats/power.h"

namespace nibble::eval {
namespace {

void check_documents(const LoggedTask& a, const LoggedTask& b) {
  for (const auto& [id, sample] : a.samples) {
    const auto other = b.samples.find(id);
    if (other != b.samples.end() && other->second.document_hash != sample.document_hash) {
      raise(ErrorCode::kMismatch,
            "{}: document {} is not the same in both, wanted runs over the same data",
            a.name,
            id);
    }
  }
}

std::optional<Contribution> score_of(const LoggedTask& task,
                                     std::size_t id,
                                     const std::string& metric) {
  const auto sample = task.samples.find(id);
  if (sample == task.samples.end()) {
    return std::nullopt;
  }
  const auto found = sample->second.scores.find(metric);
  return found != sample->second.scores.end() ? found->second : std::nullopt;
}

struct Pairs {
  std::vector<Contribution> a, b;
};

Pairs pair_up(const LoggedTask& a, const LoggedTask& b, ComparedMetric& out) {
  std::set<std::size_t> ids;
  for (const LoggedTask* task : {&a, &b}) {
    for (const auto& [id, sample] : task->samples) {
      ids.insert(id);
    }
  }
  Pairs pairs;
  for (const std::size_t id : ids) {
    const auto in_a = score_of(a, id, out.metric.name);
    const auto in_b = score_of(b, id, out.metric.name);
    if (in_a && in_b) {
      pairs.a.push_back(*in_a);
      pairs.b.push_back(*in_b);
      out.n_prompts_differ += a.samples.at(id).prompt_hash != b.samples.at(id).prompt_hash;
    } else {
      out.n_unpaired += in_a || in_b ? 1U : 0U;
    }
  }
  return pairs;
}

std::vector<double> sums(const std::vector<Contribution>& scores) {
  std::vector<double> out;
  for (const Contribution& one : scores) {
    out.push_back(one.sum);
  }
  return out;
}

ComparedMetric compare_metric(const LoggedTask& a, const LoggedTask& b, std::size_t metric) {
  ComparedMetric out;
  out.task = a.name;
  out.metric = a.metrics[metric];
  out.is_headline = metric == 0 && !a.is_part;
  const Pairs pairs = pair_up(a, b, out);
  out.paired = stats::paired_difference(pairs.b, pairs.a, out.metric.transform);
  out.p_value = out.paired.p_value;
  const double difference = out.paired.difference;
  const bool is_binary = !pairs.a.empty() && std::ranges::all_of(pairs.a, is_right_or_wrong) &&
                         std::ranges::all_of(pairs.b, is_right_or_wrong) &&
                         out.metric.transform == Transform::kIdentity;
  if (is_binary) {
    out.flips = stats::count_flips(sums(pairs.b), sums(pairs.a));
    out.p_value = stats::mcnemar_exact(out.flips->lost, out.flips->gained);
    out.n_needed = stats::samples_needed(out.flips->fraction(), difference);
    const stats::Interval interval = stats::paired_proportion_interval(*out.flips);
    out.paired.low = interval.low;
    out.paired.high = interval.high;
  } else {
    const double deviation =
        out.paired.standard_error * std::sqrt(static_cast<double>(out.paired.n));
    out.n_needed = stats::samples_needed_for_mean(deviation, difference);
  }
  return out;
}

void adjust(std::vector<ComparedMetric>& rows, bool headline) {
  std::vector<double> p;
  for (const ComparedMetric& row : rows) {
    if (row.is_headline == headline) {
      p.push_back(row.p_value);
    }
  }
  const std::vector<double> adjusted = stats::holm_adjusted(p);
  auto next = adjusted.begin();
  for (ComparedMetric& row : rows) {
    if (row.is_headline == headline) {
      row.p_adjusted = *next++;
    }
  }
}

}  // namespace

std::vector<ComparedMetric> compare_runs(const LoggedRun& a, const LoggedRun& b) {
  std::vector<ComparedMetric> rows;
  for (const LoggedTask& task : a.tasks) {
    const auto other = std::ranges::find(b.tasks, task.name, &LoggedTask::name);
    if (other == b.tasks.end()) {
      continue;
    }
    check_documents(task, *other);
    for (std::size_t m = 0; m < task.metrics.size(); ++m) {
      rows.push_back(compare_metric(task, *other, m));
    }
  }
  if (rows.empty()) {
    raise(ErrorCode::kNotFound,
          "{} and {}: no task with samples in both",
          a.path.string(),
          b.path.string());
  }
  adjust(rows, true);
  adjust(rows, false);
  return rows;
}

}  // namespace nibble::eval
