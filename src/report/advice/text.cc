#include "report/advice/text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "report/advice/judgement_lines.h"
#include "report/format.h"

namespace nibble::report {
namespace {

const std::string& name_of(const Advice& advice, std::size_t v) {
  return advice.candidates[v].variant->record.name;
}

std::string with_sign(double value) {
  return fmt::format("{}{}", value < 0 ? "\u2212" : "+", number_text(std::abs(value)));
}

std::string margin_line(const WinnerMargin& margin) {
  std::string interval = margin.n == 0 ? "exact" : "n carries no interval";
  if (margin.low && margin.high) {
    interval = fmt::format("{} to {}", with_sign(*margin.low), with_sign(*margin.high));
  }
  return fmt::format("  {:<28} {:>10} against {:>10}  {:>10} {:<8} ({}{})\n",
                     margin.what,
                     number_text(margin.winner),
                     number_text(margin.runner_up),
                     with_sign(margin.difference),
                     margin.unit,
                     interval,
                     margin.n == 0 ? "" : fmt::format("; n = {}", margin.n));
}

std::string dominators_text(const std::vector<std::string>& names) {
  constexpr std::size_t kMost = 8;
  if (names.empty()) {
    return ", on the front";
  }
  const auto end = names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), kMost));
  return fmt::format(", dominated by {}{}",
                     fmt::join(names.begin(), end, ", "),
                     names.size() > kMost ? fmt::format(" and {} more", names.size() - kMost) : "");
}

std::string candidate_text(const Candidate& candidate, const std::string& lines) {
  std::string_view word = "admissible";
  if (candidate.verdict != Verdict::kMet) {
    word = candidate.verdict == Verdict::kFailed ? "out" : "not decidable";
  }
  return fmt::format("  {}: {}{}\n{}",
                     candidate.variant->record.name,
                     word,
                     dominators_text(candidate.dominated_by),
                     lines);
}

/// The most samples or repetitions that any undecided limit asks for, of the variant that asks
/// for least.
std::optional<std::size_t> least_needed(const Advice& advice) {
  std::optional<std::size_t> least;
  for (const Candidate& candidate : advice.candidates) {
    std::optional<std::size_t> most;
    bool is_known = candidate.verdict == Verdict::kUndecided;
    for (const Judgement& judgement : candidate.judgements) {
      if (judgement.verdict == Verdict::kUndecided) {
        is_known = is_known && judgement.n_needed.has_value();
        most = std::max(most.value_or(0), judgement.n_needed.value_or(0));
      }
    }
    if (is_known && most && (!least || *most < *least)) {
      least = most;
    }
  }
  return least;
}

}  // namespace

std::string answer_text(const Advice& advice) {
  switch (advice.status) {
    case AdviceStatus::kRecommended:
      return fmt::format("Deploy {}.", name_of(advice, *advice.winner));
    case AdviceStatus::kNone:
      return "None: every variant fails a limit.";
    case AdviceStatus::kUndecided:
      break;
  }
  const auto n = least_needed(advice);
  return fmt::format(
      "Not decidable: no variant is shown to meet all limits, and some may.{}",
      n ? fmt::format(" With about {} samples (or repetitions) the first of them could be told.",
                      *n)
        : "");
}

std::string advice_text(const Advice& advice) {
  std::string out = answer_text(advice) + "\n";
  if (!advice.might_be_better.empty()) {
    std::vector<std::string> names;
    for (const std::size_t v : advice.might_be_better) {
      names.push_back(name_of(advice, v));
    }
    out += fmt::format("Would come first if its limits were met, which is not decidable: {}.\n",
                       fmt::join(names, ", "));
  }
  if (advice.runner_up) {
    out += fmt::format("\nAgainst the runner-up, {}:\n", name_of(advice, *advice.runner_up));
    for (const WinnerMargin& margin : advice.margins) {
      out += margin_line(margin);
    }
  } else if (advice.winner) {
    out += "\nNo other variant meets all limits, so there is no runner-up.\n";
  }
  const JudgementLines lines = judgement_lines(advice);
  out += lines.accepted.empty() ? "" : fmt::format("\nAccepted: {}.\n", lines.accepted);
  out += lines.common.empty() ? ""
                              : fmt::format("\nEvery variant but the reference:\n{}", lines.common);
  out += "\nVariants:\n";
  for (std::size_t v = 0; v < advice.candidates.size(); ++v) {
    out += candidate_text(advice.candidates[v], lines.of[v]);
  }
  return out + fmt::format("\nRule: {}\n", advice.rule);
}

}  // namespace nibble::report
