#include "report/data.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "report/answers/gather.h"
#include "report/retrieval/gather.h"

namespace nibble::report {
namespace {

constexpr const char* kNotBuilt = "not built yet";

constexpr double kRight = 0.5;  // a sample's score from here on counts as right

std::string family_of(const store::VariantRecord& record) {
  if (record.recipe_name == "none") {
    return "as it came";
  }
  std::string_view name = record.recipe_name;
  if (const std::size_t slash = name.rfind('/'); slash != std::string_view::npos) {
    name.remove_prefix(slash + 1);
  }
  return std::string(name.substr(0, name.find_first_of("-_.,=")));
}

double score_of(const store::ScoreRecord::Ratio& ratio) {
  return ratio.sum / ratio.weight;
}

/// Reads one store into one Data.
class Gatherer {
 public:
  explicit Gatherer(const store::Store& store)
      : store_(store), plan_(without_retrievers(store.plan())) {
    for (const store::UnitRecord& unit : plan_.units) {
      units_.emplace(VariantTask(unit.variant, unit.task), &unit);
    }
    for (store::SummaryRecord& row : store.summaries()) {
      summaries_.emplace(std::pair(row.unit, row.metric), std::move(row));
    }
    for (store::FailureRecord& row : store.failures()) {
      failures_.emplace(std::move(row.unit), std::move(row.message));
    }
  }

  Data run() {
    Data data;
    data.conditions = store_.conditions();
    data.name = data.condition("study");
    data.notes = store_.notes();
    data.tasks = plan_.tasks;
    data.n_units = plan_.units.size();
    for (const store::VariantRecord& record : plan_.variants) {
      data.variants.push_back(variant(record, data));
    }
    data.n_units_done = n_done_;
    data.retrievers = gather_retrievers(store_);
    for (const Retriever& retriever : data.retrievers) {
      data.n_units += retriever.n_units;
      data.n_units_done += retriever.n_units_done;
    }
    return data;
  }

 private:
  using VariantTask = std::pair<std::string_view, std::string_view>;

  Variant variant(const store::VariantRecord& record, const Data& data) {
    Variant out;
    out.record = record;
    out.family = family_of(record);
    out.is_reference = data.variants.empty();
    const auto same = std::ranges::find(data.variants, out.family, &Variant::family);
    out.slot = same != data.variants.end() ? same->slot : n_families_++;
    for (const store::TaskRecord& task : plan_.tasks) {
      out.outcomes.push_back(outcome(find_unit(record.id, task.id), task));
    }
    read_measurements(find_unit(record.id, ""), out);
    return out;
  }

  [[nodiscard]] const store::UnitRecord* find_unit(std::string_view variant,
                                                   std::string_view task) const {
    const auto found = units_.find(VariantTask(variant, task));
    return found != units_.end() ? found->second : nullptr;
  }

  /// The unit of the reference on that task.
  [[nodiscard]] const store::UnitRecord* reference_unit(const store::TaskRecord& task) const {
    return plan_.variants.empty() ? nullptr : find_unit(plan_.variants.front().id, task.id);
  }

  Outcome outcome(const store::UnitRecord* unit, const store::TaskRecord& task) {
    Outcome out;
    if (unit != nullptr) {
      out.cut = store_.cut_samples(unit->id);
      out.doubts = store_.doubtful_samples(unit->id);
    }
    const std::size_t n_stored = out.cut.stored;
    n_done_ += unit != nullptr && n_stored == task.n_samples ? 1U : 0U;
    for (const store::MetricRecord& metric : task.metrics) {
      Known<store::SummaryRecord> known;
      const auto row =
          unit != nullptr ? summaries_.find({unit->id, metric.name}) : summaries_.end();
      if (row != summaries_.end() && row->second.value) {
        known.value = row->second;
      } else if (row != summaries_.end()) {
        known.reason = fmt::format("none of {} answered", row->second.unanswered);
      } else {
        known.reason = missing_reason(unit, n_stored, task.n_samples);
      }
      out.metrics.push_back(std::move(known));
    }
    if (const auto* known = out.metrics.empty() ? nullptr : &out.metrics.front();
        known != nullptr && known->value && known->value->comparison &&
        !known->value->comparison->lost && says_right_or_wrong(task.metrics.front())) {
      out.differing = differing_pairs(*unit, task);
    }
    if (unit != nullptr && !task.metrics.empty() && says_right_or_wrong(task.metrics.front())) {
      out.examples = examples(*unit, task);
    }
    return out;
  }

  [[nodiscard]] std::string missing_reason(const store::UnitRecord* unit,
                                           std::size_t n_stored,
                                           std::size_t n_samples) const {
    if (unit == nullptr) {
      return "not part of the study";
    }
    if (const auto failure = failures_.find(unit->id); failure != failures_.end()) {
      return "failed: " + failure->second;
    }
    if (n_stored == 0) {
      return "not run yet";
    }
    return n_stored < n_samples ? fmt::format("{} of {} samples so far", n_stored, n_samples)
                                : "not summarised yet";
  }

  [[nodiscard]] DifferingPairs differing_pairs(const store::UnitRecord& unit,
                                               const store::TaskRecord& task) const {
    const std::string& metric = task.metrics.front().name;
    std::map<std::size_t, double> reference;
    for (const store::ScoreRow& row : store_.scores(reference_unit(task)->id, metric)) {
      if (row.ratio) {
        reference.emplace(row.index, score_of(*row.ratio));
      }
    }
    DifferingPairs pairs;
    for (const store::ScoreRow& row : store_.scores(unit.id, metric)) {
      const auto found = reference.find(row.index);
      if (row.ratio && found != reference.end()) {
        pairs.n_lower += score_of(*row.ratio) < found->second ? 1U : 0U;
        pairs.n_higher += score_of(*row.ratio) > found->second ? 1U : 0U;
      }
    }
    return pairs;
  }

  /// Wrong answers in the order of the task; those that the reference got right come first.
  [[nodiscard]] std::vector<Example> examples(const store::UnitRecord& unit,
                                              const store::TaskRecord& task) const {
    const std::string& metric = task.metrics.front().name;
    const store::UnitRecord* reference = reference_unit(task);
    std::map<std::size_t, bool> reference_right;
    if (reference != nullptr && reference->id != unit.id) {
      for (const store::ScoreRow& row : store_.scores(reference->id, metric)) {
        reference_right[row.index] = row.ratio && row.ratio->sum >= kRight * row.ratio->weight;
      }
    }
    std::vector<std::pair<bool, std::size_t>> wrong;  // (reference was not right, position)
    for (const store::ScoreRow& row : store_.scores(unit.id, metric)) {
      if (row.ratio && row.ratio->sum < kRight * row.ratio->weight) {
        const auto found = reference_right.find(row.index);
        wrong.emplace_back(found == reference_right.end() || !found->second, row.index);
      }
    }
    std::ranges::sort(wrong);
    wrong.resize(std::min(wrong.size(), kMaxExamples));
    std::vector<Example> out;
    for (const auto& [reference_wrong, index] : wrong) {
      Example example{store_.sample(unit.id, index).value_or(store::SampleRecord{}), "", false};
      if (!reference_right.empty()) {
        const auto answer = store_.sample(reference->id, index);
        example.reference_answer = answer ? answer->answer : "";
        example.reference_was_right = !reference_wrong;
      }
      out.push_back(std::move(example));
    }
    return out;
  }

  void read_measurements(const store::UnitRecord* unit, Variant& out) {
    if (unit == nullptr) {
      out.measurement_reason = "not part of the study";
      return;
    }
    out.is_to_be_measured = true;
    out.measurement_settings = unit->settings;
    std::map<std::string, std::vector<double>> values;
    for (const store::MeasurementRecord& row : store_.measurements(unit->id)) {
      if (row.value) {
        values[row.name].push_back(*row.value);
      } else {
        out.measurements[row.name].reason = row.reason;
      }
    }
    for (auto& [name, list] : values) {
      out.measurements[name] = {spread_of(std::move(list)), ""};
    }
    n_done_ += out.measurements.empty() ? 0U : 1U;
    out.measurement_reason = missing_reason(unit, 0, 1);
  }

  const store::Store& store_;
  store::Plan plan_;
  // Keys, too, point into the plan.
  std::map<VariantTask, const store::UnitRecord*> units_;
  std::map<std::pair<std::string, std::string>, store::SummaryRecord> summaries_;
  std::map<std::string, std::string, std::less<>> failures_;
  std::size_t n_families_ = 0;
  std::size_t n_done_ = 0;
};

}  // namespace

std::string Variant::missing_of(const TaskNumbers& tasks) const {
  if (tasks.empty()) {
    return "not part of the study";
  }
  for (const std::size_t task : tasks) {
    if (const auto& known = outcomes[task].metrics.front(); !known.value) {
      return known.reason;
    }
  }
  return "";
}

const std::string& Variant::unit_of(std::size_t task) const {
  return outcomes[task].metrics.front().value.value().unit;
}

Known<Spread> Variant::measured(std::string_view name) const {
  const auto found = measurements.find(name);
  if (found != measurements.end()) {
    return found->second;
  }
  return {{}, measurements.empty() ? measurement_reason : "not part of the study"};
}

Known<double> Variant::median(std::string_view name) const {
  return median_known(measured(name));
}

Known<double> Variant::file_bytes() const {
  if (!record.facts) {
    return {{}, kNotBuilt};
  }
  return {static_cast<double>(record.facts->file_bytes), ""};
}

Known<double> Variant::weight_bytes() const {
  if (!record.facts) {
    return {{}, kNotBuilt};
  }
  return {static_cast<double>(record.facts->memory_bytes), ""};
}

Known<double> Variant::bits_per_weight() const {
  if (!record.facts) {
    return {{}, kNotBuilt};
  }
  return {record.facts->bits_per_weight, ""};
}

Known<store::QuantizeCost> Variant::quantize_cost() const {
  if (!record.facts) {
    return {{}, kNotBuilt};
  }
  if (record.facts->cost) {
    return {record.facts->cost, ""};
  }
  return {{}, is_reference ? "the model as it came" : "made in several runs, or by another study"};
}

std::string Data::condition(std::string_view key) const {
  const auto found = std::ranges::find(conditions, key, &store::Condition::key);
  return found != conditions.end() ? found->value : "";
}

std::optional<double> Data::number(std::string_view key) const {
  const std::string text = condition(key);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool is_number = error == std::errc() && end == text.data() + text.size();
  return is_number ? std::optional(value) : std::nullopt;
}

const AnswerEffects& Data::effects_of(const Variant& variant) const {
  return answers.variants.at(static_cast<std::size_t>(&variant - variants.data()));
}

Data gather_scores(const store::Store& store) {
  const store::Snapshot snapshot(store);
  return Gatherer(store).run();
}

Data gather(const store::Store& store) {
  const store::Snapshot snapshot(store);
  Data data = Gatherer(store).run();
  data.answers = gather_answers(store, data);
  data.pipelines = gather_pipelines(store, data);
  return data;
}

Known<double> median_known(const Known<Spread>& known) {
  return known.value ? Known<double>{known.value->median, ""} : Known<double>{{}, known.reason};
}

bool is_fraction(const store::MetricRecord& metric) {
  return metric.unit == "fraction";
}

bool is_distance(const store::MetricRecord& metric) {
  return metric.name == "kl";
}

bool says_right_or_wrong(const store::MetricRecord& metric) {
  return is_fraction(metric) && metric.higher_is_better;
}

}  // namespace nibble::report
