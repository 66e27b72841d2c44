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
  const auto moved = [](store::SummaryRecord row) {
    row.unit = "n" + row.unit;
    return row;
  };
  store.replace_summaries(
      std::vector<store::SummaryRecord>{moved({"v0/t0", "acc", kChoices, 0, 0.75, 0.7, 0.8, {}}),
                                        moved({"v0/t1", "perplexity", 40, 0, 20, 19, 21, {}}),
                                        moved(choice_summary("v1/t0", 2, 2)),
                                        moved(choice_summary("v2/t0", 40, 0)),
                                        moved(choice_summary("v3/t0", 8, 2)),
                                        moved(pages_summary("v1/t1", 20.2, 0.2, -0.1, 0.5)),
                                        moved(pages_summary("v2/t1", 30, 10, 8, 12)),
                                        moved(pages_summary("v3/t1", 20.1, 0.1, -0.2, 0.4))});
  store.set_facts("w2", {"hw2", 32'000'000, 32'000'000, 4.25, "210 x int4g128, 61 x f32"});
  add_profile(store, "nv0/", 500, 9e7);
  add_profile(store, "nv1/", 400, 3e7);
  add_profile(store, "nv2/", 250, 3.2e7);
  return store;
}

}  // namespace nibble::report
