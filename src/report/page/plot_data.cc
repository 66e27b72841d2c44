#include "report/page/plot_data.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <nlohmann/json.hpp>

#include "report/advice/json.h"
#include "report/answers/json.h"
#include "report/format.h"
#include "report/page/budget.h"
#include "report/page/digits.h"
#include "report/page/script_json.h"
#include "report/tables.h"

namespace nibble::report {
namespace {

bool all_finite(std::initializer_list<std::optional<double>> values) {
  return std::ranges::all_of(values, [](const auto& v) { return !v || std::isfinite(*v); });
}

/// null where there is nothing to draw: no value, or one that no axis holds.
Json result_json(const Known<store::SummaryRecord>& known) {
  if (!known.value || !all_finite({known.value->value, known.value->low, known.value->high})) {
    return {};
  }
  const store::SummaryRecord& row = *known.value;
  Json out = Json::array();
  const auto add = [&out](std::optional<double> value) {
    out.push_back(or_null(seven_digits(value)));
  };
  add(row.value);
  add(row.low);
  add(row.high);
  if (const auto& with = row.comparison;
      with && all_finite({with->difference, with->low, with->high})) {
    add(with->difference);
    add(with->low);
    add(with->high);
    add(with->p_adjusted);
    out.push_back(is_significant(*with) ? 1 : 0);
  }
  return out;
}

Json task_json(const store::TaskRecord& task) {
  const store::MetricRecord metric =
      task.metrics.empty() ? store::MetricRecord{} : task.metrics.front();
  return {{"name", task.name},
          {"metric", metric.name},
          {"unit", unit_label(metric)},
          {"difference_unit", difference_label(metric)},
          {"higher", metric.higher_is_better},
          {"n_samples", task.n_samples},
          {"over_documents", task.context.has_value()}};
}

Json variant_json(const Variant& variant, const Data& data) {
  const auto decode = variant.measured("decode").value;
  const auto bytes = variant.file_bytes().value;
  Json results = Json::array();
  for (std::size_t t = 0; t < data.tasks.size(); ++t) {
    results.push_back(variant.outcomes[t].metrics.empty()
                          ? Json()
                          : result_json(variant.outcomes[t].metrics.front()));
  }
  return {{"name", variant.record.name},
          {"slot", variant.slot},
          {"reference", variant.is_reference},
          {"size_mb", bytes ? Json(*bytes / kMegabyte) : Json()},
          {"decode_ms", decode ? Json(decode->median) : Json()},
          {"results", std::move(results)}};
}

}  // namespace

std::size_t plotted_variants(const Data& data) {
  const std::size_t of_scores = kPlottedScores / std::max<std::size_t>(data.tasks.size(), 1);
  return std::min({data.variants.size(), kPlottedVariants, std::max<std::size_t>(of_scores, 1)});
}

std::string left_out_html(const Data& data) {
  const std::size_t n = plotted_variants(data);
  return n == data.variants.size()
             ? ""
             : fmt::format(
                   "<p class=\"note\">The plots and the advice of this page have the first {} of "
                   "{} variants. <code>nibble recommend</code> and "
                   "<code>tables/overview.csv</code> "
                   "beside this page have all of them.</p>\n",
                   n,
                   data.variants.size());
}

std::string plot_data_json(const Data& data) {
  Json tasks = Json::array();
  for (const store::TaskRecord& task : data.tasks) {
    tasks.push_back(task_json(task));
  }
  const std::size_t n = plotted_variants(data);
  Json variants = Json::array();
  for (std::size_t v = 0; v < n; ++v) {
    variants.push_back(variant_json(data.variants[v], data));
  }
  return script_json({{"tasks", std::move(tasks)},
                      {"variants", std::move(variants)},
                      {"answers", answers_json(data)},
                      {"advice", advice_data_json(data, n)}});
}

}  // namespace nibble::report
