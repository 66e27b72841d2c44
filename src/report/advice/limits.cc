#include "report/advice/limits.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/suggest.h"
#include "report/format.h"

namespace nibble::report {
namespace {

void check_name(std::string_view name, std::string_view option, const Data& data) {
  std::vector<std::string_view> known;
  for (const store::TaskRecord& task : data.tasks) {
    known.push_back(task.name);
  }
  if (std::ranges::find(known, name) == known.end()) {
    raise(ErrorCode::kNotFound,
          "{}: the store has no task '{}'{}",
          option,
          name,
          did_you_mean(name, known));
  }
}

Margin margin_of(const Limits& limits, const store::TaskRecord& task) {
  if (const auto own = limits.margins.find(task.name); own != limits.margins.end()) {
    return own->second;
  }
  return limits.other_margin.value_or(is_fraction(task.metrics.front()) ? kDefaultShareMargin
                                                                        : kDefaultOtherMargin);
}

CountedTask counted(std::size_t index, const Margin& margin, const Data& data) {
  const store::TaskRecord& task = data.tasks[index];
  const store::MetricRecord& metric = task.metrics.front();
  if (!margin.is_relative) {
    const double scale = is_fraction(metric) ? 100 : 1;
    const std::string unit = is_fraction(metric) ? "points" : metric.name;
    return {index, margin.amount / scale, fmt::format("{} {}", margin.amount, unit)};
  }
  const auto& reference = data.variants.front().outcomes[index].metrics.front();
  const double value = reference.value ? std::abs(*reference.value->value) : 0;
  return {index,
          value * margin.amount / 100,
          fmt::format("{} % of the reference's {}", margin.amount, metric.name)};
}

}  // namespace

std::vector<CountedTask> counted_tasks(const Limits& limits, const Data& data) {
  for (const std::string& name : limits.tasks) {
    check_name(name, "--tasks", data);
  }
  for (const auto& [name, margin] : limits.margins) {
    check_name(name, "--max-loss", data);
  }
  std::vector<CountedTask> out;
  for (std::size_t t = 0; t < data.tasks.size() && !data.variants.empty(); ++t) {
    const store::TaskRecord& task = data.tasks[t];
    const bool is_named = std::ranges::find(limits.tasks, task.name) != limits.tasks.end();
    const bool is_wanted = limits.tasks.empty() || is_named;
    if (task.metrics.empty() || !is_wanted) {
      continue;
    }
    // A distance is no loss: it has no margin but one that is asked for by name.
    if (!is_distance(task.metrics.front()) || limits.margins.contains(task.name)) {
      out.push_back(counted(t, margin_of(limits, task), data));
    }
  }
  return out;
}

std::string_view preference_name(Preference preference) {
  switch (preference) {
    case Preference::kMemory:
      return "memory";
    case Preference::kSpeed:
      return "speed";
    case Preference::kEnergy:
      return "energy";
    case Preference::kQuality:
      return "quality";
  }
  return "";
}

}  // namespace nibble::report
