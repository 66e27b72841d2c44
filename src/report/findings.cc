#include "report/findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>

#include "report/format.h"
#include "report/tables.h"

namespace nibble::report {
namespace {

constexpr std::size_t kShownLosses = 20;  // variants in one sentence

/// One variant over all headline metrics.
struct Verdict {
  const Variant* variant = nullptr;
  std::vector<std::string> worse;  ///< tasks with a significant loss
  std::size_t n_compared = 0;
  bool is_complete = true;

  /// The worst end of an interval that includes a loss: as text, and on which task.
  std::string widest_allowed;
};

std::string plural(std::size_t n, std::string_view noun) {
  return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s");
}

std::string list(const std::vector<std::string>& items) {
  if (items.size() < 2) {
    return items.empty() ? "" : items.front();
  }
  return fmt::format("{} and {}", fmt::join(items.begin(), items.end() - 1, ", "), items.back());
}

/// The end of the interval that lies on the side of a loss, as "1.7 points on arc_easy"; "" when a
/// loss is excluded.
std::string allowed_loss(const store::ComparisonRecord& with,
                         const store::TaskRecord& task,
                         const store::MetricRecord& metric) {
  const double loss = metric.higher_is_better ? -with.low : with.high;
  return loss > 0 ? fmt::format("{} on {}", loss_text(loss, metric), task.name) : "";
}

using MetricFilter = bool (*)(const store::MetricRecord&);

Verdict judge(const Variant& variant, const Data& data, MetricFilter wanted) {
  Verdict verdict;
  verdict.variant = &variant;
  std::vector<std::string> allowed;
  for (std::size_t t = 0; t < data.tasks.size(); ++t) {
    if (data.tasks[t].metrics.empty() || !wanted(data.tasks[t].metrics.front())) {
      continue;
    }
    const store::MetricRecord& metric = data.tasks[t].metrics.front();
    const Known<store::SummaryRecord>& known = variant.outcomes[t].metrics.front();
    if (!known.value || !known.value->comparison) {
      verdict.is_complete = false;
      continue;
    }
    ++verdict.n_compared;
    const store::ComparisonRecord& with = *known.value->comparison;
    if (is_significant(with) && is_worse(with, metric)) {
      verdict.worse.push_back(data.tasks[t].name);
    }
    if (auto text = allowed_loss(with, data.tasks[t], metric); !text.empty()) {
      allowed.push_back(std::move(text));
    }
  }
  verdict.widest_allowed = list(allowed);
  return verdict;
}

std::vector<Verdict> judge_all(const Data& data, MetricFilter wanted) {
  std::vector<Verdict> verdicts;
  for (const Variant& variant : data.variants) {
    if (!variant.is_reference) {
      verdicts.push_back(judge(variant, data, wanted));
    }
  }
  return verdicts;
}

bool is_smaller(const Verdict& a, const Verdict& b) {
  return a.variant->file_bytes().value.value_or(1e300) <
         b.variant->file_bytes().value.value_or(1e300);
}

std::string size_text(const Variant& variant, const Data& data) {
  const auto bytes = variant.file_bytes().value;
  const auto reference = data.variants.front().file_bytes().value;
  if (!bytes || !reference || *reference == 0) {
    return "size unknown";
  }
  return fmt::format(
      "{} MB, {:.0f} % of the reference's file", megabytes_text(*bytes), *bytes * 100 / *reference);
}

std::string compared_text(const Data& data) {
  std::vector<std::string> tasks;
  for (const store::TaskRecord& task : data.tasks) {
    tasks.push_back(fmt::format("{} (n = {})", task.name, task.n_samples));
  }
  const std::string model = data.condition("model");
  return fmt::format("{} of {} against {}, {}.",
                     plural(data.variants.size() - 1, "variant"),
                     model.empty() ? "the model" : model,
                     data.variants.front().record.name,
                     tasks.empty() ? "in size, memory and speed" : "on " + list(tasks));
}

/// The smallest variant with every comparison made and no significant loss; nullptr when there is
/// none.
const Verdict* smallest_harmless(const std::vector<Verdict>& verdicts) {
  const Verdict* best = nullptr;
  for (const Verdict& verdict : verdicts) {
    const bool harmless = verdict.is_complete && verdict.n_compared > 0 && verdict.worse.empty();
    if (harmless && (best == nullptr || is_smaller(verdict, *best))) {
      best = &verdict;
    }
  }
  return best;
}

std::string harmless_text(const Verdict& best, std::string_view where, const Data& data) {
  return fmt::format("{} is the smallest variant without a significant loss{} ({}).",
                     best.variant->record.name,
                     where,
                     size_text(*best.variant, data));
}

std::string allowance_text(const Verdict& best) {
  return best.widest_allowed.empty()
             ? ""
             : fmt::format(
                   "That is no proof of no loss: the intervals still allow a loss of up to {}.",
                   best.widest_allowed);
}

/// A variant that is no smaller than the reference is no answer to "what can be saved".
bool saves_nothing(const Verdict& best, const Data& data) {
  const auto bytes = best.variant->file_bytes().value;
  const auto reference = data.variants.front().file_bytes().value;
  return bytes && reference && *bytes >= *reference;
}

/// Tasks on which not even a loss on every sample could be significant: the exchange of n pairs
/// gives no p-value below 2^(1 - n), and Holm's correction multiplies the smallest by all
/// comparisons.
std::vector<std::string> undecidable_tasks(const Data& data) {
  const auto n_tasks = std::ranges::count_if(data.tasks, [](const store::TaskRecord& task) {
    return task.metrics.empty() || !is_distance(task.metrics.front());
  });
  const double n_comparisons =
      static_cast<double>(data.variants.size() - 1) * static_cast<double>(n_tasks);
  std::vector<std::string> tasks;
  for (std::size_t t = 0; t < data.tasks.size(); ++t) {
    std::optional<std::size_t> n;
    for (const Variant& variant : data.variants) {
      const auto& metrics = variant.outcomes[t].metrics;
      if (!metrics.empty() && !is_distance(data.tasks[t].metrics.front()) &&
          metrics.front().value && metrics.front().value->comparison) {
        n = std::max(n.value_or(0), metrics.front().value->comparison->n);
      }
    }
    if (n && std::exp2(1.0 - static_cast<double>(*n)) * n_comparisons >= kSignificance) {
      tasks.push_back(fmt::format("{} (n = {})", data.tasks[t].name, *n));
    }
  }
  return tasks;
}

/// Headline and qualifier.
std::pair<std::string, std::string> headline(const std::vector<Verdict>& verdicts,
                                             const Data& data) {
  if (data.tasks.empty()) {
    return {"This study asks no task, so it says nothing about losses and recommends no variant.",
            ""};
  }
  if (std::ranges::all_of(data.tasks, [](const store::TaskRecord& task) {
        return !task.metrics.empty() && is_distance(task.metrics.front());
      })) {
    return {
        "This study tells how far variants are from the reference, not whether they lose, so it "
        "recommends none.",
        ""};
  }
  if (std::ranges::none_of(verdicts, &Verdict::is_complete)) {
    return {"No variant has been measured on all tasks yet, so none can be recommended.", ""};
  }
  const Verdict* const harmless = smallest_harmless(verdicts);
  const std::vector<std::string> undecidable = undecidable_tasks(data);
  if (harmless != nullptr && !undecidable.empty()) {
    return {
        fmt::format("Too few samples to recommend a variant: on {} no loss could be significant.",
                    list(undecidable)),
        ""};
  }
  if (const Verdict* best = harmless) {
    if (saves_nothing(*best, data)) {
      return {
          "Every variant that is smaller than the reference and was fully measured is "
          "significantly worse on at least one task.",
          fmt::format("{} shows no significant loss, but saves nothing ({}). {}",
                      best->variant->record.name,
                      size_text(*best->variant, data),
                      allowance_text(*best))};
    }
    return {harmless_text(*best, "", data), allowance_text(*best)};
  }
  std::string text =
      "Every variant that was fully measured is significantly worse than the reference on at least "
      "one task.";
  const std::vector<Verdict> on_answers = judge_all(data, says_right_or_wrong);
  if (const Verdict* best = smallest_harmless(on_answers)) {
    return {std::move(text),
            fmt::format("{} {}",
                        harmless_text(*best, " in its right and wrong answers", data),
                        allowance_text(*best))};
  }
  return {std::move(text), ""};
}

std::string losses_text(const std::vector<Verdict>& verdicts) {
  std::vector<std::string> items;
  for (const Verdict& verdict : verdicts) {
    if (!verdict.worse.empty()) {
      items.push_back(fmt::format("{} on {}", verdict.variant->record.name, list(verdict.worse)));
    }
  }
  const bool compared =
      std::ranges::any_of(verdicts, [](const Verdict& v) { return v.n_compared > 0; });
  if (!compared) {
    return "";
  }
  if (items.empty()) {
    return "No variant shows a significant loss on any task.";
  }
  const std::size_t n_shown = std::min(items.size(), kShownLosses);
  const std::size_t n_more = items.size() - n_shown;
  return fmt::format("Significant losses: {}{}.",
                     fmt::join(std::span(items).first(n_shown), "; "),
                     n_more == 0 ? "" : fmt::format("; and {}", plural(n_more, "more variant")));
}

std::string speed_text(const Data& data) {
  const auto reference = data.variants.front().measured("decode").value;
  const Variant* fastest = nullptr;
  for (const Variant& variant : data.variants) {
    const auto decode = variant.measured("decode").value;
    if (!variant.is_reference && decode &&
        (fastest == nullptr || decode->median < fastest->measured("decode").value->median)) {
      fastest = &variant;
    }
  }
  if (fastest == nullptr || !reference) {
    return "";
  }
  const Spread decode = *fastest->measured("decode").value;
  const bool overlap = decode.max >= reference->min && decode.min <= reference->max;
  const std::string numbers = fmt::format("{} ms a token, the reference {} ms",
                                          number_text(decode.median),
                                          number_text(reference->median));
  if (overlap) {
    return fmt::format(
        "Fastest variant at decoding: {} ({}); the spreads of the repetitions overlap, so this is "
        "no "
        "clear difference.",
        fastest->record.name,
        numbers);
  }
  return decode.median < reference->median
             ? fmt::format("Fastest variant at decoding: {} ({}).", fastest->record.name, numbers)
             : fmt::format("No variant decodes faster than the reference; the fastest is {} ({}).",
                           fastest->record.name,
                           numbers);
}

/// Tasks on which even the reference gets nothing right: they cannot show a loss.
std::string floor_text(const Data& data) {
  std::vector<std::string> tasks;
  for (std::size_t t = 0; t < data.tasks.size(); ++t) {
    const store::TaskRecord& task = data.tasks[t];
    if (task.metrics.empty() || !says_right_or_wrong(task.metrics.front())) {
      continue;
    }
    const auto& known = data.variants.front().outcomes[t].metrics.front();
    if (known.value && *known.value->value <= 0) {
      tasks.push_back(task.name);
    }
  }
  return tasks.empty() ? ""
                       : fmt::format("The reference scores zero on {}: there a loss cannot show.",
                                     list(tasks));
}

/// Tasks whose questions lost their beginning: their scores are not those of the whole questions.
std::string cut_text(const Data& data) {
  std::vector<std::string> tasks;
  for (std::size_t t = 0; t < data.tasks.size(); ++t) {
    std::size_t most = 0;
    for (const Variant& variant : data.variants) {
      most = std::max(most, variant.outcomes[t].cut.asked);
    }
    if (most > 0) {
      tasks.push_back(
          fmt::format("{} ({} of {} samples)", data.tasks[t].name, most, data.tasks[t].n_samples));
    }
  }
  return tasks.empty()
             ? ""
             : fmt::format("The model's context had no room for the beginning of {}.", list(tasks));
}

std::string progress_text(const Data& data) {
  return data.n_units_done < data.n_units
             ? fmt::format("The study is not complete: {} of {} units are done.",
                           data.n_units_done,
                           data.n_units)
             : "";
}

}  // namespace

Findings find(const Data& data) {
  if (data.variants.empty()) {
    return {"", "The store holds no plan yet: nothing has been compared.", "", {}};
  }
  const std::vector<Verdict> verdicts =
      judge_all(data, [](const store::MetricRecord& metric) { return !is_distance(metric); });
  auto [sentence, qualifier] = headline(verdicts, data);
  Findings findings{compared_text(data), std::move(sentence), std::move(qualifier), {}};
  for (std::string& text : std::vector{progress_text(data),
                                       losses_text(verdicts),
                                       speed_text(data),
                                       floor_text(data),
                                       cut_text(data)}) {
    if (!text.empty()) {
      findings.details.push_back(std::move(text));
    }
  }
  return findings;
}

}  // namespace nibble::report
