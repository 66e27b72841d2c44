#include "report/advice/advise.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "report/advice/front.h"
#include "report/advice/margins.h"
#include "report/format.h"

namespace nibble::report {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// The largest loss as a share of its margin.
double worst_share(const Facts& facts, const std::vector<CountedTask>& tasks) {
  double worst = -kInfinity;
  for (const CountedTask& task : tasks) {
    const double seen = facts.losses[task.index].seen.value_or(kInfinity);
    worst = std::max(worst, task.margin > 0 ? seen / task.margin : seen);
  }
  return worst;
}

/// What the preference makes small; infinite where it is not known.
double preferred(const Facts& facts, const Limits& limits, const std::vector<CountedTask>& tasks) {
  switch (limits.prefer) {
    case Preference::kMemory:
      return facts.memory.value ? *facts.memory.value : facts.memory.least.value_or(kInfinity);
    case Preference::kSpeed:
      return facts.decode.value.value_or(kInfinity);
    case Preference::kEnergy:
      return facts.energy.value.value_or(kInfinity);
    case Preference::kQuality:
      return worst_share(facts, tasks);
  }
  return kInfinity;
}

std::string_view preferred_text(Preference preference) {
  switch (preference) {
    case Preference::kMemory:
      return "with the least memory";
    case Preference::kSpeed:
      return "that decodes fastest";
    case Preference::kEnergy:
      return "that takes the least energy a token";
    case Preference::kQuality:
      return "whose largest loss, as a share of what is accepted, is least";
  }
  return "";
}

std::string rule_text(Preference preference) {
  return fmt::format(
      "A loss meets its limit where the upper end of its paired 95 % interval does "
      "(non-inferiority at 2.5 %), fails where the lower end is beyond it, and is not decided "
      "otherwise. Of the variants that meet all limits, those that another of them beats on "
      "everything are left out, and the one {} is taken.",
      preferred_text(preference));
}

class Adviser {
 public:
  Adviser(const store::Store& store, const Data& data, const Limits& limits)
      : store_(store),
        data_(data),
        limits_(limits),
        tasks_(counted_tasks(limits, data)),
        facts_(facts_of(data)) {}

  Advice run() {
    advice_.rule = rule_text(limits_.prefer);
    const auto beaten_by = dominators(facts_, tasks_);
    for (std::size_t v = 0; v < facts_.size(); ++v) {
      Candidate candidate{facts_[v].variant, {}, judge(facts_[v], limits_, tasks_, data_), {}};
      candidate.verdict = overall(candidate.judgements);
      for (const std::size_t other : beaten_by[v]) {
        candidate.dominated_by.push_back(facts_[other].variant->record.name);
      }
      advice_.candidates.push_back(std::move(candidate));
    }
    choose();
    advice_.tasks = tasks_;
    return std::move(advice_);
  }

 private:
  [[nodiscard]] double value(std::size_t v) const { return preferred(facts_[v], limits_, tasks_); }

  [[nodiscard]] std::vector<std::size_t> with(Verdict verdict) const {
    std::vector<std::size_t> out;
    for (std::size_t v = 0; v < facts_.size(); ++v) {
      if (advice_.candidates[v].verdict == verdict) {
        out.push_back(v);
      }
    }
    return out;
  }

  /// The best of some by the preference; those that another of them dominates come last.
  [[nodiscard]] std::optional<std::size_t> best(const std::vector<std::size_t>& some) const {
    std::optional<std::size_t> out;
    for (const std::size_t v : some) {
      const bool is_beaten = std::ranges::any_of(
          some, [&](std::size_t other) { return dominates(facts_[other], facts_[v], tasks_); });
      if (!is_beaten && value(v) < kInfinity && (!out || value(v) < value(*out))) {
        out = v;
      }
    }
    return out;
  }

  void choose() {
    std::vector<std::size_t> admissible = with(Verdict::kMet);
    const std::vector<std::size_t> undecided = with(Verdict::kUndecided);
    advice_.winner = best(admissible);
    if (!advice_.winner) {
      // Admissible variants without the number that the preference asks for decide nothing.
      advice_.status =
          admissible.empty() && undecided.empty() ? AdviceStatus::kNone : AdviceStatus::kUndecided;
      return;
    }
    advice_.status = AdviceStatus::kRecommended;
    const std::size_t winner = *advice_.winner;
    std::erase(admissible, winner);
    advice_.runner_up = best(admissible);
    for (const std::size_t v : undecided) {
      if (value(v) < value(winner)) {
        advice_.might_be_better.push_back(v);
      }
    }
    if (advice_.runner_up) {
      advice_.margins =
          winner_margins(store_, data_, {facts_[winner], facts_[*advice_.runner_up], tasks_});
    }
  }

  const store::Store& store_;
  const Data& data_;
  const Limits& limits_;
  std::vector<CountedTask> tasks_;
  std::vector<Facts> facts_;
  Advice advice_;
};

}  // namespace

Advice advise(const store::Store& store, const Data& data, const Limits& limits) {
  return Adviser(store, data, limits).run();
}

std::string_view status_name(AdviceStatus status) {
  switch (status) {
    case AdviceStatus::kRecommended:
      return "recommended";
    case AdviceStatus::kNone:
      return "none";
    case AdviceStatus::kUndecided:
      return "undecided";
  }
  return "";
}

}  // namespace nibble::report
