#include "study/lm_eval_files.h"

#include <fmt/format.h>

#include "base/file.h"
#include "eval/results/lm_eval_samples.h"
#include "study/sample_record.h"

namespace nibble::study {
namespace {

namespace fs = std::filesystem;

/// What files of this name may not hold, as lm-eval replaces it.
std::string file_name(std::string_view task) {
  std::string out(task);
  for (char& c : out) {
    c = std::string_view("/:\\ \"<>|?*").find(c) != std::string_view::npos ? '_' : c;
  }
  return out;
}

/// The hashes of the samples, for the task's.
std::string write_samples(const fs::path& path,
                          const store::Store& store,
                          const TaskOutcome& outcome) {
  AtomicFile file = AtomicFile::create(path).take();
  std::string hashes;
  for (std::size_t i = 0; i < outcome.n_samples; ++i) {
    const auto record = store.sample(outcome.unit, i);
    NIBBLE_CHECK(record.has_value(), "a complete unit lacks a sample");
    const eval::LmEvalSample sample = eval::lm_eval_sample(
        outcome.task->info(), outcome.task->sample(i), record->responses, scores_of(*record));
    file.write(sample.line).take();
    hashes += sample.hashes;
  }
  file.commit().take();
  return hashes;
}

}  // namespace

fs::path write_lm_eval_files(const fs::path& folder,
                             const eval::LmEvalRun& run,
                             const store::Store& store,
                             std::span<const TaskOutcome> outcomes) {
  const std::string time = eval::lm_eval_time(run.started);
  std::vector<eval::LmEvalTask> tasks;
  for (const TaskOutcome& outcome : outcomes) {
    const std::string name = file_name(outcome.task->info().name);
    const fs::path path = folder / fmt::format("samples_{}_{}.jsonl", name, time);
    tasks.push_back({&outcome.task->info(),
                     outcome.metrics,
                     outcome.n_samples,
                     write_samples(path, store, outcome),
                     outcome.doubts.flags,
                     outcome.is_at_chance});
  }
  const fs::path results = folder / fmt::format("results_{}.json", time);
  write_file_atomic(results, eval::lm_eval_results(run, tasks)).take();
  return results;
}

}  // namespace nibble::study
