/// A study of two models behind two retrievers made by hand for tests: four questions of the set
/// "s", documents searched for by words and by a coded encoder.
///
///   reference   F1 behind words 1, 1, 0, 0; behind mini 1, 1, 1, 0
///   small       F1 behind words 1, 0, 0, 0; behind mini not asked yet
///   words       index of 2 MB, no encoder, found in 1, 2 and 9 ms; recall 0.5
///   mini        index of 1 MB, encoder of 6 MB, made in several runs; recall 0.75
///   weights     100 MB and 40 MB
#pragma once

#include <fmt/format.h>

#include "store/store.h"

namespace nibble::report {

inline store::Plan retrieval_plan() {
  const store::MetricRecord f1{"f1", "fraction", true, "identity"};
  const store::MetricRecord em{"exact_match", "fraction", true, "identity"};
  const auto share = [](const char* name) {
    return store::MetricRecord{name, "fraction", true, "identity"};
  };
  const std::string retriever(store::kRetrieverRecipe);
  store::Plan plan;
  plan.variants = {{"v0", "reference", "none", "", "", {}},
                   {"v1", "small", "hqq-int4", "s", "aa", {}},
                   {"r0", "words over s", retriever, "bm25 (k1 0.9, b 0.4)", "", {}},
                   {"r1", "mini over s", retriever, "dense by mini in int4g32a", "", {}}};
  plan.tasks = {{"t0", "s retrieved by words of 2", 1, "p", "d", 4, {f1, em}},
                {"t1", "s retrieved by mini of 2", 1, "p", "d", 4, {f1, em}},
                {"t2",
                 "s search for 2",
                 1,
                 "p",
                 "d",
                 4,
                 {share("ndcg@10"), share("recall@2"), share("mrr@10")}}};
  plan.tasks[0].context = store::ContextRecord{"s", "retrieved by words", 2};
  plan.tasks[1].context = store::ContextRecord{"s", "retrieved by mini", 2};
  plan.tasks[2].context = store::ContextRecord{"s", "search", 2};
  for (const char* variant : {"v0", "v1"}) {
    for (const char* task : {"t0", "t1"}) {
      plan.units.push_back({fmt::format("{}/{}", variant, task), variant, task, ""});
    }
  }
  for (const char* variant : {"r0", "r1"}) {
    plan.units.push_back({fmt::format("{}/", variant), variant, "", "searches"});
    plan.units.push_back({fmt::format("{}/t2", variant), variant, "t2", ""});
  }
  return plan;
}

inline void add_scores(store::Store& store,
                       const std::string& unit,
                       const std::string& metric,
                       const std::vector<double>& values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    store.add_samples(
        unit,
        std::vector<store::SampleRecord>{{i,
                                          fmt::format("q{}", i),
                                          "?",
                                          "x",
                                          "y",
                                          {{metric, store::ScoreRecord::Ratio{values[i], 1}}}}});
  }
}

inline store::Store retrieval_store(const std::filesystem::path& path) {
  store::Store store = store::Store::open(path);
  store.replace_plan(retrieval_plan());
  store.set_facts("v0", {"h0", 110'000'000, 100'000'000, 16, "f16"});
  store.set_facts("v1", {"h1", 45'000'000, 40'000'000, 4, "int4"});
  store.set_facts("r0", {"", 0, 2'000'000, 0, "", store::QuantizeCost{0.5, 0.75, {}}});
  store.set_facts("r1", {"e", 4'000'000, 7'000'000, 0, "int4g32a", {}});
  add_scores(store, "v0/t0", "f1", {1, 1, 0, 0});
  add_scores(store, "v0/t1", "f1", {1, 1, 1, 0});
  add_scores(store, "v1/t0", "f1", {1, 0, 0, 0});
  add_scores(store, "r0/t2", "recall@2", {1, 1, 0, 0});
  add_scores(store, "r1/t2", "recall@2", {1, 1, 1, 0});
  store.add_measurements(
      "r0/",
      std::vector<store::MeasurementRecord>{{"encoder_memory", "bytes", 0, {}, "no encoder"},
                                            {"index_memory", "bytes", 0, 2e6, ""},
                                            {"search", "ms", 0, 2.0, ""},
                                            {"search", "ms", 1, 9.0, ""},
                                            {"search", "ms", 2, 1.0, ""}});
  store.add_measurements(
      "r1/",
      std::vector<store::MeasurementRecord>{{"encoder_memory", "bytes", 0, 6e6, ""},
                                            {"index_memory", "bytes", 0, 1e6, ""},
                                            {"search", "ms", 0, 5.0, ""}});
  store.replace_summaries(std::vector<store::SummaryRecord>{
      {"v0/t0", "f1", 4, 0, 0.5, 0.1, 0.9, {}},
      {"v0/t1", "f1", 4, 0, 0.75, 0.3, 0.95, {}},
      {"v1/t0", "f1", 4, 0, 0.25, 0.05, 0.7, {}},
      {"r0/t2", "recall@2", 4, 0, 0.5, 0.1, 0.9, {}},
      {"r1/t2",
       "recall@2",
       4,
       0,
       0.75,
       0.3,
       0.95,
       store::ComparisonRecord{0.25, -0.25, 0.75, 0.4, 0.4, 4, {}, {}}}});
  return store;
}

}  // namespace nibble::report
