#include "report/advice/judgement_lines.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace nibble::report {
namespace {

/// Losses of one variant beyond which only some have a line.
constexpr std::size_t kMostLines = 6;
constexpr std::size_t kMostTasks = 6;

/// Losses that are told in the same words.
struct Alike {
  const Judgement* first = nullptr;
  std::vector<std::string_view> tasks{};
};

/// "a, b and c"; of many "a, b, c, d, e, f and 12 more".
std::string some_tasks(const std::vector<std::string_view>& names) {
  const std::size_t n = names.size();
  if (n == 1) {
    return std::string(names.front());
  }
  const std::size_t n_named = n > kMostTasks + 1 ? kMostTasks : n - 1;
  const auto end = names.begin() + static_cast<std::ptrdiff_t>(n_named);
  return fmt::format(
      "{} and {}",
      fmt::join(names.begin(), end, ", "),
      n_named == n - 1 ? std::string(names.back()) : fmt::format("{} more", n - n_named));
}

std::string limit_line(const Judgement& judgement, std::string_view limit, std::string_view text) {
  return fmt::format(
      "    {:<10} {}: {}{}\n",
      verdict_name(judgement.verdict),
      limit,
      text,
      judgement.n_needed ? fmt::format("; about {} would tell", *judgement.n_needed) : "");
}

std::string alike_line(const Alike& alike) {
  return limit_line(
      *alike.first, fmt::format("loss on {}", some_tasks(alike.tasks)), alike.first->text);
}

bool says_the_same(const Judgement& a, const Judgement& b) {
  return a.verdict == b.verdict && a.text == b.text && a.n_needed == b.n_needed;
}

void add_alike(std::vector<Alike>& groups, const Judgement& judgement) {
  const auto found = std::ranges::find_if(
      groups, [&](const Alike& group) { return says_the_same(*group.first, judgement); });
  if (found != groups.end()) {
    found->tasks.push_back(judgement.task);
  } else {
    groups.push_back({&judgement, {judgement.task}});
  }
}

std::vector<const Candidate*> beside_reference(const Advice& advice) {
  std::vector<const Candidate*> out;
  for (const Candidate& candidate : advice.candidates) {
    if (!candidate.variant->is_reference) {
      out.push_back(&candidate);
    }
  }
  return out;
}

/// By number of the judgement: undecided for one reason whatever the variant.
std::vector<bool> common_judgements(const std::vector<const Candidate*>& candidates) {
  if (candidates.size() < 2) {
    return {};
  }
  const std::vector<Judgement>& first = candidates.front()->judgements;
  std::vector<bool> out;
  for (std::size_t j = 0; j < first.size(); ++j) {
    out.push_back(!first[j].task.empty() && first[j].verdict == Verdict::kUndecided &&
                  std::ranges::all_of(candidates, [&](const Candidate* candidate) {
                    return says_the_same(candidate->judgements[j], first[j]);
                  }));
  }
  return out;
}

/// Of many losses that are met, one line.
std::string met_lines(const std::vector<Alike>& groups) {
  std::size_t n_tasks = 0;
  std::string lines;
  for (const Alike& alike : groups) {
    n_tasks += alike.tasks.size();
    lines += alike_line(alike);
  }
  if (groups.size() <= kMostLines / 2) {
    return lines;
  }
  const Judgement& nearest =
      *std::ranges::max(groups, {}, [](const Alike& alike) { return alike.first->reach; }).first;
  return limit_line(nearest,
                    fmt::format("loss on {} tasks", n_tasks),
                    fmt::format("nearest to its limit on {}: {}", nearest.task, nearest.text));
}

std::string loss_lines(std::vector<Alike> groups, Verdict verdict) {
  if (verdict == Verdict::kMet) {
    return met_lines(groups);
  }
  std::string out;
  std::size_t n_others = 0;
  if (groups.size() > kMostLines) {
    std::ranges::stable_sort(
        groups, std::ranges::greater(), [](const Alike& alike) { return alike.first->reach; });
  }
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (i < kMostLines) {
      out += alike_line(groups[i]);
    } else {
      n_others += groups[i].tasks.size();
    }
  }
  return n_others == 0 ? out
                       : out + fmt::format("    {:<10} loss on {} more tasks (--json has them)\n",
                                           verdict_name(verdict),
                                           n_others);
}

/// Costs first, then losses; those that decided.
std::string candidate_lines(const Candidate& candidate, const std::vector<bool>& is_common) {
  std::string out;
  std::vector<Alike> groups;
  for (std::size_t j = 0; j < candidate.judgements.size(); ++j) {
    const Judgement& judgement = candidate.judgements[j];
    if (judgement.verdict != candidate.verdict) {
      continue;
    }
    if (judgement.task.empty()) {
      out += limit_line(judgement, judgement.limit, text_of(judgement));
    } else if (!candidate.variant->is_reference && !(j < is_common.size() && is_common[j])) {
      add_alike(groups, judgement);
    }
  }
  return out + (groups.empty() ? "" : loss_lines(std::move(groups), candidate.verdict));
}

/// "a loss of 2 points on arc_easy and piqa; of 5 % of the reference's perplexity on pages"
std::string accepted_losses(const Candidate& candidate) {
  std::vector<std::pair<std::string_view, std::vector<std::string_view>>> groups;
  for (const Judgement& judgement : candidate.judgements) {
    if (judgement.task.empty()) {
      continue;
    }
    auto found = std::ranges::find_if(
        groups, [&](const auto& group) { return group.first == judgement.accepted; });
    if (found == groups.end()) {
      found = groups.insert(found, {judgement.accepted, {}});
    }
    found->second.push_back(judgement.task);
  }
  std::vector<std::string> texts;
  for (const auto& [accepted, tasks] : groups) {
    texts.push_back(fmt::format("of {} on {}", accepted, some_tasks(tasks)));
  }
  return texts.empty() ? "" : fmt::format("a loss {}", fmt::join(texts, "; "));
}

}  // namespace

JudgementLines judgement_lines(const Advice& advice) {
  JudgementLines out;
  const std::vector<const Candidate*> others = beside_reference(advice);
  const std::vector<bool> is_common = common_judgements(others);
  std::vector<Alike> common;
  for (std::size_t j = 0; j < is_common.size(); ++j) {
    if (is_common[j]) {
      add_alike(common, others.front()->judgements[j]);
    }
  }
  for (const Alike& alike : common) {
    out.common += alike_line(alike);
  }
  if (!advice.candidates.empty()) {
    out.accepted = accepted_losses(advice.candidates.front());
  }
  for (const Candidate& candidate : advice.candidates) {
    out.of.push_back(candidate_lines(candidate, is_common));
  }
  return out;
}

}  // namespace nibble::report
