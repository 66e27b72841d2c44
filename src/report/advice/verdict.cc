#include "report/advice/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "report/format.h"

namespace nibble::report {
namespace {

std::string lower_case(std::string text) {
  std::ranges::transform(
      text, text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

/// One cost that a limit may be put on.
struct CostLimit {
  std::string_view name;
  std::string_view unit;
  double scale;  ///< from the unit that is stored to the one that is shown
  std::optional<double> Limits::*limit;
  Cost Facts::*cost;
};

constexpr CostLimit kCostLimits[] = {
    {"peak memory", "MB", 1 / kMegabyte, &Limits::memory_bytes, &Facts::memory},
    {"first token", "ms", 1, &Limits::first_token_ms, &Facts::first_token},
    {"first token, 95th percentile", "ms", 1, &Limits::first_token_p95_ms, &Facts::first_token_p95},
    {"decoding", "ms/token", 1, &Limits::decode_ms, &Facts::decode},
    {"energy", "J/token", 1, &Limits::token_joules, &Facts::energy},
};

Judgement judge_cost(const CostLimit& row,
                     const Cost& cost,
                     double limit,
                     const std::string& device_reason) {
  Judgement out{std::string(row.name),
                Verdict::kUndecided,
                "",
                fmt::format("{} {}", number_text(limit * row.scale), row.unit),
                {}};
  if (!device_reason.empty()) {
    out.text = device_reason;
    return out;
  }
  if (cost.value) {
    out.verdict = *cost.value <= limit ? Verdict::kMet : Verdict::kFailed;
    out.text = fmt::format("{} {}", number_text(*cost.value * row.scale), row.unit);
    return out;
  }
  if (cost.least && *cost.least > limit) {
    out.verdict = Verdict::kFailed;
    out.text = fmt::format("at least {} {}", number_text(*cost.least * row.scale), row.unit);
    return out;
  }
  out.n_needed = cost.n_needed;
  out.text = cost.reason;
  return out;
}

Judgement judge_loss(const Loss& loss, const CountedTask& task, const Data& data) {
  const store::TaskRecord& record = data.tasks[task.index];
  const store::MetricRecord& metric = record.metrics.front();
  Judgement out{
      fmt::format("loss on {}", record.name), Verdict::kUndecided, "", task.text, {}, record.name};
  if (!loss.low || !loss.high) {
    out.n_needed = loss.seen && loss.n < kLeastPairs ? pairs_needed(loss, task.margin)
                                                     : std::optional<std::size_t>();
    out.text = loss.reason;
    return out;
  }
  out.text = fmt::format("{} lost, {} to {} by the interval (n = {})",
                         loss_text(*loss.seen, metric),
                         value_text(*loss.low, metric),
                         value_text(*loss.high, metric),
                         loss.n);
  out.reach = task.margin > 0 ? *loss.high / task.margin : *loss.high;
  if (*loss.high <= task.margin) {
    out.verdict = Verdict::kMet;
  } else if (*loss.low > task.margin) {
    out.verdict = Verdict::kFailed;
  } else {
    out.n_needed = pairs_needed(loss, task.margin);
  }
  return out;
}

}  // namespace

std::string device_reason(const std::string& device, const Data& data) {
  const std::string wanted = lower_case(device);
  std::vector<std::string> measured;
  for (const std::string_view key : {"device", "processor"}) {
    const std::string name = data.condition(key);
    if (lower_case(name).find(wanted) != std::string::npos) {
      return "";
    }
    if (!name.empty()) {
      measured.push_back(name);
    }
  }
  return measured.empty()
             ? fmt::format("the store does not say what it was measured on, asked for {}", device)
             : fmt::format("measured on {}, not on {}", measured.back(), device);
}

std::vector<Judgement> judge(const Facts& facts,
                             const Limits& limits,
                             const std::vector<CountedTask>& tasks,
                             const Data& data) {
  const std::string elsewhere = device_reason(limits.device, data);
  std::vector<Judgement> out;
  for (const CostLimit& row : kCostLimits) {
    if (const std::optional<double>& limit = limits.*row.limit) {
      out.push_back(judge_cost(row, facts.*row.cost, *limit, elsewhere));
    }
  }
  for (const CountedTask& task : tasks) {
    out.push_back(judge_loss(facts.losses[task.index], task, data));
  }
  return out;
}

std::string text_of(const Judgement& judgement) {
  return fmt::format("{}; accepted: {}", judgement.text, judgement.accepted);
}

Verdict overall(const std::vector<Judgement>& judgements) {
  const auto any = [&](Verdict verdict) {
    return std::ranges::find(judgements, verdict, &Judgement::verdict) != judgements.end();
  };
  if (any(Verdict::kFailed)) {
    return Verdict::kFailed;
  }
  return any(Verdict::kUndecided) ? Verdict::kUndecided : Verdict::kMet;
}

std::string_view verdict_name(Verdict verdict) {
  switch (verdict) {
    case Verdict::kMet:
      return "met";
    case Verdict::kFailed:
      return "failed";
    case Verdict::kUndecided:
      return "undecided";
  }
  return "";
}

}  // namespace nibble::report
