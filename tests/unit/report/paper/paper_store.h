/// The store of profile_store.h where "fast" and "unsure" are two calibrations of GPTQ, and the
/// tasks are two of the paper's.
#pragma once

#include "unit/report/profile/profile_store.h"

namespace nibble::report {

inline store::Store paper_store(const std::filesystem::path& path) {
  store::Store store = profile_store(path);
  store::Plan plan = advice_plan();
  plan.variants[2] = {"w2", "gptq on WikiText-2", "paper/gptq-4bit", "f", "bb", {}};
  plan.variants[3] = {"w3", "gptq on RAG", "paper/gptq-4bit-rag", "u", "cc", {}};
  plan.tasks[0].id = "p0";
  plan.tasks[0].name = "arc_easy";
  plan.tasks[1].id = "p1";
  plan.tasks[1].name = "wikitext_stride512";
  for (store::UnitRecord& unit : plan.units) {
    std::string variant = unit.variant;
    variant[0] = unit.variant == "v2" || unit.variant == "v3" ? 'w' : 'v';
    const std::string task = unit.task.empty() ? "" : (unit.task == "t0" ? "p0" : "p1");
    unit = {"n" + unit.id, variant, task, ""};
  }
  store.replace_plan(plan);
  std::vector<store::SummaryRecord> summaries = advice_summaries();
  for (store::SummaryRecord& row : summaries) {
    row.unit = "n" + row.unit;
  }
  store.replace_summaries(summaries);
  store.set_facts("w2", {"hw2", 32'000'000, 32'000'000, 4.25, "210 x int4g128, 61 x f32"});
  add_profile(store, "nv0/", 500, 9e7);
  add_profile(store, "nv1/", 400, 3e7);
  add_profile(store, "nv2/", 250, 3.2e7);
  return store;
}

}  // namespace nibble::report
