#include "report/retrieval/gather.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "eval/stats/paired.h"
#include "rag/answer/search_task.h"
#include "report/answers/values.h"
#include "report/data.h"

namespace nibble::report {
namespace {

constexpr std::string_view kBehind = "retrieved by ";
constexpr std::string_view kOver = " over ";

bool is_retriever(const store::VariantRecord& variant) {
  return variant.recipe_name == store::kRetrieverRecipe;
}

bool is_search(const store::TaskRecord& task) {
  return task.context && task.context->mode == rag::kSearchMode;
}

/// Of one retriever in a store.
class RetrieverGatherer {
 public:
  explicit RetrieverGatherer(const store::Store& store) : store_(store), plan_(store.plan()) {
    for (store::SummaryRecord& row : store.summaries()) {
      summaries_.emplace(std::pair(row.unit, row.metric), std::move(row));
    }
  }

  std::vector<Retriever> run() const {
    std::vector<Retriever> out;
    for (const store::VariantRecord& record : plan_.variants) {
      if (is_retriever(record)) {
        out.push_back(retriever(record));
      }
    }
    return out;
  }

 private:
  [[nodiscard]] Retriever retriever(const store::VariantRecord& record) const {
    Retriever out{record};
    out.name = record.name;
    for (const store::UnitRecord& unit : plan_.units) {
      if (unit.variant == record.id) {
        ++out.n_units;
        unit.task.empty() ? read_measurements(unit, out) : read_search(unit, out);
      }
    }
    if (!out.searches.empty()) {
      out.set = out.searches.front().task.context->set;
      const std::string end = fmt::format("{}{}", kOver, out.set);
      if (out.name.ends_with(end)) {
        out.name.resize(out.name.size() - end.size());
      }
    }
    return out;
  }

  void read_measurements(const store::UnitRecord& unit, Retriever& out) const {
    out.encoder_bytes.reason = out.index_bytes.reason = out.search_ms.reason = "not run yet";
    std::vector<double> searches;
    for (const store::MeasurementRecord& row : store_.measurements(unit.id)) {
      Known<double>* bytes = row.name == "encoder_memory" ? &out.encoder_bytes
                             : row.name == "index_memory" ? &out.index_bytes
                                                          : nullptr;
      if (bytes != nullptr) {
        *bytes = {row.value, row.reason};
      } else if (row.name == "search" && row.value) {
        searches.push_back(*row.value);
      }
    }
    if (!searches.empty()) {
      out.search_ms = {spread_of(std::move(searches)), ""};
      ++out.n_units_done;
    }
  }

  void read_search(const store::UnitRecord& unit, Retriever& out) const {
    const auto task = std::ranges::find(plan_.tasks, unit.task, &store::TaskRecord::id);
    if (task == plan_.tasks.end() || !is_search(*task)) {
      return;
    }
    const std::size_t n_stored = store_.sample_indexes(unit.id).size();
    out.n_units_done += n_stored == task->n_samples ? 1U : 0U;
    RetrieverSearch search{*task};
    for (const store::MetricRecord& metric : task->metrics) {
      search.metrics.push_back(score(unit, metric, n_stored, task->n_samples));
    }
    out.searches.push_back(std::move(search));
  }

  [[nodiscard]] Known<store::SummaryRecord> score(const store::UnitRecord& unit,
                                                  const store::MetricRecord& metric,
                                                  std::size_t n_stored,
                                                  std::size_t n_samples) const {
    const auto found = summaries_.find({unit.id, metric.name});
    if (found != summaries_.end() && found->second.value) {
      return {found->second, ""};
    }
    if (n_stored < n_samples) {
      return {{},
              n_stored == 0 ? "not run yet"
                            : fmt::format("{} of {} questions so far", n_stored, n_samples)};
    }
    return {{}, "the set names no right passages"};
  }

  const store::Store& store_;
  store::Plan plan_;
  std::map<std::pair<std::string, std::string>, store::SummaryRecord> summaries_;
};

/// The first task that is alike but for its retriever.
std::size_t first_alike(const Data& data, std::size_t task) {
  const store::TaskRecord& of = data.tasks[task];
  std::size_t first = 0;
  while (first < task) {
    const store::TaskRecord& other = data.tasks[first];
    if (!retriever_of(other).empty() && other.context->set == of.context->set &&
        other.context->n_documents == of.context->n_documents &&
        other.context->budget == of.context->budget && other.n_samples == of.n_samples) {
      break;
    }
    ++first;
  }
  return first;
}

std::vector<eval::Contribution> as_contributions(const std::vector<double>& values) {
  std::vector<eval::Contribution> out;
  for (const double value : values) {
    out.push_back({value});
  }
  return out;
}

Known<eval::stats::Interval> f1_change(const store::Store& store,
                                       const Data& data,
                                       const Variant& variant,
                                       std::size_t task) {
  const std::size_t first = first_alike(data, task);
  if (first == task) {
    return {{}, "the first retriever"};
  }
  if (std::string reason = variant.missing_of({first, task}); !reason.empty()) {
    return {{}, std::move(reason)};
  }
  const MatchedValues pairs = matched(values_by_question(store, variant.unit_of(task), "f1"),
                                      values_by_question(store, variant.unit_of(first), "f1"));
  if (pairs.first.empty()) {
    return {{}, fmt::format("no question in common with {}", data.tasks[first].name)};
  }
  const auto paired = eval::stats::paired_difference(
      as_contributions(pairs.first), as_contributions(pairs.second), eval::Transform::kIdentity);
  return {eval::stats::Interval{paired.difference, paired.low, paired.high, paired.n}, ""};
}

}  // namespace

Known<double> Retriever::memory_bytes() const {
  return index_bytes.value ? Known<double>{*index_bytes.value + encoder_bytes.value.value_or(0), ""}
                           : index_bytes;
}

Known<store::QuantizeCost> Retriever::build_cost() const {
  if (!record.facts) {
    return {{}, "not run yet"};
  }
  return record.facts->cost ? Known<store::QuantizeCost>{record.facts->cost, ""}
                            : Known<store::QuantizeCost>{{}, "made in several runs"};
}

store::Plan without_retrievers(store::Plan plan) {
  std::set<std::string, std::less<>> ids;
  for (const store::VariantRecord& variant : plan.variants) {
    if (is_retriever(variant)) {
      ids.insert(variant.id);
    }
  }
  std::erase_if(plan.units, [&ids](const auto& unit) { return ids.contains(unit.variant); });
  std::erase_if(plan.variants, &is_retriever);
  std::erase_if(plan.tasks, &is_search);
  return plan;
}

std::vector<Retriever> gather_retrievers(const store::Store& store) {
  return RetrieverGatherer(store).run();
}

std::string retriever_of(const store::TaskRecord& task) {
  return task.context && task.context->mode.starts_with(kBehind)
             ? task.context->mode.substr(kBehind.size())
             : "";
}

std::vector<Pipeline> gather_pipelines(const store::Store& store, const Data& data) {
  std::vector<Pipeline> out;
  for (std::size_t t = 0; t < data.tasks.size(); ++t) {
    const std::string name = retriever_of(data.tasks[t]);
    if (name.empty()) {
      continue;
    }
    const auto found = std::ranges::find_if(data.retrievers, [&](const Retriever& retriever) {
      return retriever.name == name && retriever.set == data.tasks[t].context->set;
    });
    for (std::size_t v = 0; v < data.variants.size(); ++v) {
      Pipeline pipeline{t, v, {}, f1_change(store, data, data.variants[v], t)};
      if (found != data.retrievers.end()) {
        pipeline.retriever = static_cast<std::size_t>(found - data.retrievers.begin());
      }
      out.push_back(std::move(pipeline));
    }
  }
  return out;
}

}  // namespace nibble::report
