#include "study/merge.h"

#include <fmt/format.h>

#include <system_error>

#include "base/cancel.h"
#include "base/folder_lock.h"
#include "study/plan_index.h"
#include "study/summarize.h"

namespace nibble::study {
namespace {

namespace fs = std::filesystem;

bool is_same_file(const fs::path& a, const fs::path& b) {
  std::error_code absent;
  return fs::equivalent(a, b, absent) && !absent;
}

/// "" where the unit is whole.
std::string what_is_missing(std::string_view variant,
                            const store::TaskRecord* task,
                            std::size_t n_stored,
                            bool is_measured) {
  if (task == nullptr) {
    return is_measured ? "" : fmt::format("{}/speed", variant);
  }
  return n_stored < task->n_samples
             ? fmt::format(
                   "{}/{}: {} of {} samples", variant, task->name, n_stored, task->n_samples)
             : "";
}

}  // namespace

Completeness completeness(const store::Store& store) {
  Completeness out;
  const store::Plan plan = store.plan();
  const PlanIndex index(plan);
  const auto n_samples = store.sample_counts();
  const auto measured = store.measured_units();
  for (std::size_t unit = 0; unit < plan.units.size(); ++unit) {
    const std::string& id = plan.units[unit].id;
    const auto found = n_samples.find(id);
    const std::size_t n_stored = found != n_samples.end() ? found->second : 0;
    out.samples += n_stored;
    ++out.units;
    const auto task = index.task_of(unit);
    std::string missing = what_is_missing(plan.variants[index.variant_of(unit)].name,
                                          task ? &plan.tasks[*task] : nullptr,
                                          n_stored,
                                          measured.contains(id));
    if (missing.empty()) {
      ++out.whole;
    } else {
      out.missing.push_back(std::move(missing));
    }
  }
  return out;
}

MergeOutcome merge_stores(const fs::path& target,
                          std::span<const fs::path> stores,
                          ProgressSink& progress) {
  const fs::path folder = target.has_parent_path() ? target.parent_path() : ".";
  const FolderLock lock(folder,
                        target.stem().string() + ".lock",
                        "a study or another merge is working in this folder");
  fs::path work = target;
  work += ".joining";
  store::Merger merger(work);
  progress.begin("merge, stores", stores.size());
  if (fs::exists(target)) {
    merger.add(target);
  }
  for (const fs::path& store : stores) {
    cancel_flag().check();
    if (!is_same_file(store, target)) {
      merger.add(store);
    }
    progress.advance(1);
  }
  progress.end();
  store::Store& joined = merger.joined();
  joined.replace_summaries(summarize(joined));
  MergeOutcome out{merger.counts(), completeness(joined)};
  merger.publish(target);
  return out;
}

}  // namespace nibble::study
