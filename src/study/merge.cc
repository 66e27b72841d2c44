#include "study/merge.h"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>

#include "base/cancel.h"
#include "base/folder_lock.h"
#include "study/summarize.h"

namespace nibble::study {
namespace {

namespace fs = std::filesystem;

bool is_same_file(const fs::path& a, const fs::path& b) {
  std::error_code absent;
  return fs::equivalent(a, b, absent) && !absent;
}

/// "" where the unit is whole.
std::string what_is_missing(const store::Store& store,
                            const store::Plan& plan,
                            const store::UnitRecord& unit,
                            std::size_t n_stored) {
  const auto& variant =
      std::ranges::find(plan.variants, unit.variant, &store::VariantRecord::id)->name;
  if (unit.task.empty()) {
    return store.measurements(unit.id).empty() ? fmt::format("{}/speed", variant) : "";
  }
  const auto task = std::ranges::find(plan.tasks, unit.task, &store::TaskRecord::id);
  return n_stored < task->n_samples
             ? fmt::format(
                   "{}/{}: {} of {} samples", variant, task->name, n_stored, task->n_samples)
             : "";
}

}  // namespace

Completeness completeness(const store::Store& store) {
  Completeness out;
  const store::Plan plan = store.plan();
  for (const store::UnitRecord& unit : plan.units) {
    const std::size_t n_stored = store.sample_indexes(unit.id).size();
    out.samples += n_stored;
    ++out.units;
    std::string missing = what_is_missing(store, plan, unit, n_stored);
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
