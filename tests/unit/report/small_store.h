/// A small study for tests of the report: a reference and three variants on two tasks, with every
/// way to be missing.
///
/// `int4` is complete and significantly worse in perplexity, `nf4` has answered two of four
/// samples, `hqq/odd|name` failed.
#pragma once

#include <fmt/format.h>

#include "store/store.h"

namespace nibble::report {

inline store::SampleRecord small_sample(std::size_t index,
                                        std::string_view metric,
                                        std::optional<store::ScoreRecord::Ratio> ratio) {
  return {index,
          fmt::format("q{}", index + 1),
          "Who built <the> mill?",
          "Oda & son",
          ratio && ratio->sum > 0 ? "Oda & son" : "nobody",
          {{std::string(metric), ratio}}};
}

inline store::Plan small_plan() {
  store::Plan plan;
  plan.variants = {{"v0", "reference", "none", "", "", {}},
                   {"v1", "int4", "rtn-int4", "[[stage]]\nsolve = \"nearest\"\n", "aa11", {}},
                   {"v2", "nf4", "nf4", "[[stage]]\n", "bb22", {}},
                   {"v3", "odd|name", "hqq-int2", "[[stage]]\n", "cc33", {}}};
  plan.tasks = {
      {"t0", "pages", 1, "windows of 512 tokens", "d0", 2, {{"perplexity", "", false, "exp"}}},
      {"t1",
       "choice_50%",
       2,
       "0-shot, \"A\" or <B>",
       "d1",
       4,
       {{"acc", "fraction", true, "identity"}}}};
  for (const store::VariantRecord& variant : plan.variants) {
    for (const std::string task : {"t0", "t1", ""}) {
      plan.units.push_back(
          {variant.id + "/" + task, variant.id, task, task.empty() ? "64 prompt tokens" : ""});
    }
  }
  return plan;
}

inline void fill_measurements(store::Store& store, std::string_view unit, double decode_ms) {
  store.add_measurements(
      unit,
      std::vector<store::MeasurementRecord>{
          {"decode", "ms/token", 0, decode_ms, ""},
          {"decode", "ms/token", 1, decode_ms + 1, ""},
          {"decode", "ms/token", 2, decode_ms + 0.25, ""},
          {"prefill", "tok/s", 0, 400.0, ""},
          {"first_token", "ms", 0, 120.5, ""},
          {"peak_memory", "bytes", 0, {}, "the kernel does not reset the mark"}});
}

inline store::Store small_store(const std::filesystem::path& path) {
  using Ratio = store::ScoreRecord::Ratio;
  store::Store store = store::Store::open(path);
  store.replace_conditions(std::vector<store::Condition>{{"study", "Mills & <millers>", true},
                                                         {"model", "Mill-1B", true},
                                                         {"arithmetic", "native", true},
                                                         {"threads", "2", false}});
  store.replace_notes(std::vector<std::string>{"The file is already in 4 bits."});
  store.replace_plan(small_plan());
  store.set_facts("v0", {"h0", 100'000'000, 90'000'000, 8, "2 x q8_0"});
  store.set_facts("v1",
                  {"h1",
                   50'000'000,
                   48'000'000,
                   4.25,
                   "2 x int4g64",
                   store::QuantizeCost{12.5, 20.25, 300'000'000}});
  store.set_facts("v2", {"h2", 52'500'000, 48'000'000, 4.5, "2 x nf4b64"});
  const std::vector<std::pair<std::string, std::vector<double>>> choices = {
      {"v0/t1", {1, 1, 0, 1}}, {"v1/t1", {0, 1, 0, 1}}, {"v2/t1", {0, 1}}};
  for (const auto& [unit, scores] : choices) {
    for (std::size_t i = 0; i < scores.size(); ++i) {
      store.add_samples(unit, std::vector{small_sample(i, "acc", Ratio{scores[i], 1})});
    }
  }
  for (const std::string unit : {"v0/t0", "v1/t0"}) {
    store.add_samples(unit,
                      std::vector{small_sample(0, "perplexity", Ratio{30, 10}),
                                  small_sample(1, "perplexity", {})});
  }
  fill_measurements(store, "v0/", 5);
  fill_measurements(store, "v1/", 7);
  store.add_failure({"v3/t1", "group 96 does not divide 576 columns"});
  store.replace_summaries(std::vector<store::SummaryRecord>{
      {"v0/t0", "perplexity", 1, 1, 20.0855, {}, {}, {}},
      {"v1/t0",
       "perplexity",
       1,
       1,
       24.5,
       22.25,
       1234567.0,
       store::ComparisonRecord{4.4145, 2.5, 6.75, 0.0001, 0.0004, 1, {}, {}}},
      {"v0/t1", "acc", 4, 0, 0.75, 0.3, 0.954, {}},
      {"v1/t1",
       "acc",
       4,
       0,
       0.5,
       0.15,
       0.85,
       store::ComparisonRecord{-0.25, -0.75, 0, 0.5, 1, 4, 1, 0}}});
  return store;
}

}  // namespace nibble::report
