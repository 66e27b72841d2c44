#include "report/advice/json.h"

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "report/format.h"

namespace nibble::report {
namespace {

Json name_or_null(const Advice& advice, const std::optional<std::size_t>& v) {
  return v ? Json(advice.candidates[*v].variant->record.name) : Json();
}

Json judgement_json(const Judgement& judgement) {
  return {{"limit", judgement.limit},
          {"verdict", verdict_name(judgement.verdict)},
          {"text", text_of(judgement)},
          {"n_needed", or_null(judgement.n_needed)}};
}

Json candidate_json(const Candidate& candidate) {
  Json judgements = Json::array();
  for (const Judgement& judgement : candidate.judgements) {
    judgements.push_back(judgement_json(judgement));
  }
  std::string_view verdict = "admissible";
  if (candidate.verdict != Verdict::kMet) {
    verdict = candidate.verdict == Verdict::kFailed ? "out" : "undecided";
  }
  return {{"name", candidate.variant->record.name},
          {"verdict", verdict},
          {"front", candidate.dominated_by.empty()},
          {"dominated_by", candidate.dominated_by},
          {"limits", std::move(judgements)}};
}

Json margin_json(const WinnerMargin& margin) {
  return {{"what", margin.what},
          {"unit", margin.unit},
          {"winner", margin.winner},
          {"runner_up", margin.runner_up},
          {"difference", margin.difference},
          {"low", or_null(margin.low)},
          {"high", or_null(margin.high)},
          {"n", margin.n},
          {"higher_is_better", margin.higher_is_better}};
}

Json limits_json(const Advice& advice, const Limits& limits, const Data& data) {
  Json losses = Json::array();
  for (const CountedTask& task : advice.tasks) {
    losses.push_back(
        {{"task", data.tasks[task.index].name}, {"margin", task.margin}, {"text", task.text}});
  }
  return {{"memory_bytes", or_null(limits.memory_bytes)},
          {"first_token_ms", or_null(limits.first_token_ms)},
          {"first_token_p95_ms", or_null(limits.first_token_p95_ms)},
          {"decode_ms", or_null(limits.decode_ms)},
          {"token_joules", or_null(limits.token_joules)},
          {"device", limits.device.empty() ? Json() : Json(limits.device)},
          {"prefer", preference_name(limits.prefer)},
          {"losses", std::move(losses)}};
}

/// Reasons by number: thousands of missing numbers have few.
class Reasons {
 public:
  std::size_t number(const std::string& reason) {
    const auto [found, is_new] = numbers_.emplace(reason, numbers_.size());
    if (is_new) {
      texts_.push_back(reason);
    }
    return found->second;
  }
  [[nodiscard]] const std::vector<std::string>& texts() const { return texts_; }

 private:
  std::map<std::string, std::size_t> numbers_;
  std::vector<std::string> texts_;
};

Json cost_json(const Cost& cost, Reasons& reasons) {
  return {or_null(cost.value), or_null(cost.least), reasons.number(cost.reason)};
}

Json loss_json(const Loss& loss, Reasons& reasons) {
  return {or_null(loss.seen),
          or_null(loss.low),
          or_null(loss.high),
          loss.n,
          reasons.number(loss.reason)};
}

Json facts_json(const Facts& facts, Reasons& reasons) {
  Json costs = Json::array();
  for (const Cost* cost :
       {&facts.memory, &facts.first_token, &facts.first_token_p95, &facts.decode, &facts.energy}) {
    costs.push_back(cost_json(*cost, reasons));
  }
  Json losses = Json::array();
  for (const Loss& loss : facts.losses) {
    losses.push_back(loss_json(loss, reasons));
  }
  return {{"costs", std::move(costs)}, {"losses", std::move(losses)}};
}

}  // namespace

Json advice_json(const Advice& advice, const Limits& limits, const Data& data) {
  Json candidates = Json::array();
  for (const Candidate& candidate : advice.candidates) {
    candidates.push_back(candidate_json(candidate));
  }
  Json margins = Json::array();
  for (const WinnerMargin& margin : advice.margins) {
    margins.push_back(margin_json(margin));
  }
  Json better = Json::array();
  for (const std::size_t v : advice.might_be_better) {
    better.push_back(advice.candidates[v].variant->record.name);
  }
  return {{"status", status_name(advice.status)},
          {"winner", name_or_null(advice, advice.winner)},
          {"runner_up", name_or_null(advice, advice.runner_up)},
          {"margins", std::move(margins)},
          {"might_be_better", std::move(better)},
          {"variants", std::move(candidates)},
          {"limits", limits_json(advice, limits, data)},
          {"rule", advice.rule}};
}

Json advice_data_json(const Data& data, std::size_t n_variants) {
  Json tasks = Json::array();
  for (std::size_t t = 0; t < data.tasks.size(); ++t) {
    const store::TaskRecord& task = data.tasks[t];
    Json row = {{"kind", "none"}, {"reference", Json()}};
    if (!task.metrics.empty() && !data.variants.empty()) {
      const store::MetricRecord& metric = task.metrics.front();
      const auto& reference = data.variants.front().outcomes[t].metrics.front().value;
      const std::string_view other = is_distance(metric) ? "distance" : "other";
      row["kind"] = is_fraction(metric) ? "share" : other;
      row["reference"] = or_null(reference ? reference->value : std::nullopt);
    }
    tasks.push_back(std::move(row));
  }
  Json variants = Json::array();
  Reasons reasons;
  const std::vector<Facts> facts = facts_of(data);
  for (std::size_t v = 0; v < n_variants; ++v) {
    variants.push_back(facts_json(facts[v], reasons));
  }
  return {
      {"tasks", std::move(tasks)}, {"variants", std::move(variants)}, {"reasons", reasons.texts()}};
}

}  // namespace nibble::report
