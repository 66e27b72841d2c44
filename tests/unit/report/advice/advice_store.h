/// A study made by hand for tests of advice: a reference and four variants, a task of right and
/// wrong answers, one of perplexity, and costs.
///
///   choice (acc, n = 400)   the reference is right on 300
///     small     2 lost, 2 gained: within 2 points
///     fast      40 lost: ten points
///     unsure    8 lost, 2 gained: 1.5 points, up to more than 2
///   pages (perplexity, n = 40, reference 20)
///     small 20.2 [-0.1, 0.5], fast 30 [8, 12], unsure 20.1 [-0.2, 0.4]
///   memory MB   100, 40, 45, 30;   decoding ms 10, 8, 5, 7;   first token 25 repetitions each
///   missing     nothing of it was run
#pragma once

#include <fmt/format.h>

#include "report/data.h"
#include "store/store.h"

namespace nibble::report {

inline constexpr std::size_t kChoices = 400;

inline store::Plan advice_plan() {
  store::Plan plan;
  plan.variants = {{"v0", "reference", "none", "", "", {}},
                   {"v1", "small", "hqq-int4", "s", "aa", {}},
                   {"v2", "fast", "rtn-int4", "f", "bb", {}},
                   {"v3", "unsure", "nf4", "u", "cc", {}},
                   {"v4", "missing", "hqq-int2", "m", "dd", {}}};
  plan.tasks = {
      {"t0", "choice", 1, "0-shot", "d0", kChoices, {{"acc", "fraction", true, "identity"}}},
      {"t1", "pages", 1, "windows", "d1", 40, {{"perplexity", "", false, "exp"}}}};
  for (const store::VariantRecord& variant : plan.variants) {
    for (const std::string task : {"t0", "t1", ""}) {
      plan.units.push_back({variant.id + "/" + task, variant.id, task, ""});
    }
  }
  return plan;
}

/// Right on the first 300, but for `lost` of them, and on `gained` of the others.
inline void add_choices(store::Store& store,
                        const std::string& unit,
                        std::size_t lost,
                        std::size_t gained) {
  std::vector<store::SampleRecord> samples;
  for (std::size_t i = 0; i < kChoices; ++i) {
    const bool right = i < 300 ? i >= lost : i < 300 + gained;
    samples.push_back({i,
                       fmt::format("q{}", i),
                       "?",
                       "a",
                       right ? "a" : "b",
                       {{"acc", store::ScoreRecord::Ratio{right ? 1.0 : 0.0, 1}}},
                       0,
                       false,
                       "",
                       {},
                       0.25});
  }
  store.add_samples(unit, samples);
}

inline void add_pages(store::Store& store, const std::string& unit, double nats) {
  std::vector<store::SampleRecord> samples;
  for (std::size_t i = 0; i < 40; ++i) {
    const double wave = 0.01 * static_cast<double>(i % 5);
    samples.push_back({i,
                       fmt::format("p{}", i),
                       "",
                       "",
                       "",
                       {{"perplexity", store::ScoreRecord::Ratio{100 * (nats + wave), 100}}}});
  }
  store.add_samples(unit, samples);
}

inline void add_costs(store::Store& store,
                      const std::string& unit,
                      double peak_mb,
                      double decode_ms,
                      double first_ms) {
  std::vector<store::MeasurementRecord> rows{{"peak_memory", "bytes", 0, peak_mb * 1e6, ""}};
  for (std::size_t i = 0; i < 5; ++i) {
    rows.push_back({"decode", "ms/token", i, decode_ms + 0.01 * static_cast<double>(i), ""});
  }
  for (std::size_t i = 0; i < 25; ++i) {
    rows.push_back({"first_token", "ms", i, first_ms + static_cast<double>(i), ""});
  }
  store.add_measurements(unit, rows);
}

inline store::SummaryRecord choice_summary(const std::string& unit,
                                           std::size_t lost,
                                           std::size_t gained) {
  const double n = kChoices;
  const double difference = (static_cast<double>(gained) - static_cast<double>(lost)) / n;
  store::SummaryRecord row{unit, "acc", kChoices, 0, 0.75 + difference, 0.7, 0.8, {}};
  row.comparison =
      store::ComparisonRecord{difference, difference, difference, 1, 1, kChoices, lost, gained};
  return row;
}

inline store::SummaryRecord pages_summary(
    const std::string& unit, double value, double difference, double low, double high) {
  store::SummaryRecord row{unit, "perplexity", 40, 0, value, value - 1, value + 1, {}};
  row.comparison = store::ComparisonRecord{difference, low, high, 1, 1, 40, {}, {}};
  return row;
}

inline std::vector<store::SummaryRecord> advice_summaries() {
  return {{"v0/t0", "acc", kChoices, 0, 0.75, 0.7, 0.8, {}},
          {"v0/t1", "perplexity", 40, 0, 20, 19, 21, {}},
          choice_summary("v1/t0", 2, 2),
          choice_summary("v2/t0", 40, 0),
          choice_summary("v3/t0", 8, 2),
          pages_summary("v1/t1", 20.2, 0.2, -0.1, 0.5),
          pages_summary("v2/t1", 30, 10, 8, 12),
          pages_summary("v3/t1", 20.1, 0.1, -0.2, 0.4)};
}

inline store::Store advice_store(const std::filesystem::path& path) {
  store::Store store = store::Store::open(path);
  store.replace_conditions(std::vector<store::Condition>{{"study", "advice", true},
                                                         {"processor", "Nonesuch 3000", true}});
  store.replace_plan(advice_plan());
  const std::vector<std::size_t> weights_mb{90, 30, 32, 25};
  for (std::size_t v = 0; v < weights_mb.size(); ++v) {
    const std::string id = fmt::format("v{}", v);
    store.set_facts(id, {"h" + id, weights_mb[v] * 1'000'000, weights_mb[v] * 1'000'000, 4, ""});
  }
  add_choices(store, "v0/t0", 0, 0);
  add_choices(store, "v1/t0", 2, 2);
  add_choices(store, "v2/t0", 40, 0);
  add_choices(store, "v3/t0", 8, 2);
  const std::vector<double> nats{2.98, 2.99, 3.38, 2.985};
  for (std::size_t v = 0; v < nats.size(); ++v) {
    add_pages(store, fmt::format("v{}/t1", v), nats[v]);
  }
  add_costs(store, "v0/", 100, 10, 200);
  add_costs(store, "v1/", 40, 8, 150);
  add_costs(store, "v2/", 45, 5, 100);
  add_costs(store, "v3/", 30, 7, 120);
  store.add_failure({"v4/t0", "group 96 does not divide 576 columns"});
  store.replace_summaries(advice_summaries());
  return store;
}

}  // namespace nibble::report
