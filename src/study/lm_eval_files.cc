#include "study/lm_eval_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

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

/// Samples that are one task of lm-eval's: all, or those of a subject.
struct Stretch {
  std::string name;
  std::size_t first = 0, n = 0;
  const eval::TaskPartInfo* part = nullptr;
};

std::vector<Stretch> stretches_of(const TaskOutcome& outcome) {
  const eval::TaskInfo& info = outcome.task->info();
  std::vector<Stretch> out;
  for (const eval::TaskPartInfo& part : info.parts) {
    out.push_back({part.name, part.first, part.n_samples, &part});
  }
  if (out.empty()) {
    out.push_back({info.name, 0, outcome.n_samples, nullptr});
  }
  return out;
}

/// The hashes of the samples, for the task's.
std::string write_samples(const fs::path& path,
                          const store::Store& store,
                          const TaskOutcome& outcome,
                          const Stretch& stretch) {
  AtomicFile file = AtomicFile::create(path).take();
  std::string hashes;
  for (std::size_t filter = 0; filter < eval::n_filters(outcome.task->info()); ++filter) {
    for (std::size_t i = stretch.first; i < stretch.first + stretch.n; ++i) {
      const auto record = store.sample(outcome.unit, i);
      NIBBLE_CHECK(record.has_value(), "a complete unit lacks a sample");
      const eval::LmEvalSample sample = eval::lm_eval_sample(*outcome.task,
                                                             outcome.task->sample(i),
                                                             record->responses,
                                                             scores_of(*record),
                                                             filter,
                                                             stretch.first);
      file.write(sample.line).take();
      hashes += sample.hashes;
    }
  }
  file.commit().take();
  return hashes;
}

eval::LmEvalTask whole_task(const TaskOutcome& outcome) {
  return {&outcome.task->info(),
          outcome.metrics,
          outcome.n_samples,
          "",
          outcome.doubts.flags,
          outcome.is_at_chance};
}

class Files {
 public:
  Files(fs::path folder, const eval::LmEvalRun& run, const store::Store& store)
      : folder_(std::move(folder)),
        run_(run),
        store_(store),
        time_(eval::lm_eval_time(run.started)) {}

  void add(const TaskOutcome& outcome) {
    auto metrics = part_metrics(store_, outcome);
    const std::vector<Stretch> stretches = stretches_of(outcome);
    for (std::size_t i = 0; i < stretches.size(); ++i) {
      const Stretch& stretch = stretches[i];
      eval::LmEvalTask task = whole_task(outcome);
      task.sample_hashes = write_samples(samples_path(stretch.name), store_, outcome, stretch);
      if (stretch.part != nullptr) {
        task.part = stretch.part;
        task.n_samples = stretch.n;
        task.metrics = std::move(metrics[i]);
      }
      tasks_.push_back(std::move(task));
    }
    wholes_.push_back(std::make_unique<eval::LmEvalTask>(whole_task(outcome)));
    std::ranges::move(eval::lm_eval_groups(*wholes_.back()), std::back_inserter(groups_));
  }

  [[nodiscard]] fs::path write_results() const {
    fs::path path = folder_ / fmt::format("results_{}.json", time_);
    write_file_atomic(path, eval::lm_eval_results(run_, tasks_, groups_)).take();
    return path;
  }

 private:
  [[nodiscard]] fs::path samples_path(std::string_view task) const {
    return folder_ / fmt::format("samples_{}_{}.jsonl", file_name(task), time_);
  }

  fs::path folder_;
  const eval::LmEvalRun& run_;
  const store::Store& store_;
  std::string time_;
  std::vector<eval::LmEvalTask> tasks_;
  std::vector<std::unique_ptr<eval::LmEvalTask>> wholes_;  // groups point at them
  std::vector<eval::LmEvalGroup> groups_;
};

}  // namespace

decltype(eval::LmEvalRun::special_tokens) lm_eval_tokens(const text::Tokenizer& tokenizer) {
  decltype(eval::LmEvalRun::special_tokens) out;
  const text::SpecialTokens& special = tokenizer.special();
  for (const auto& [name, id] :
       {std::pair("pad", special.pad), {"eos", special.eos}, {"bos", special.bos}}) {
    if (id) {
      out[name] = {std::string(tokenizer.token_text(*id).value_or("")), *id};
    }
  }
  return out;
}

fs::path write_lm_eval_files(const fs::path& folder,
                             const eval::LmEvalRun& run,
                             const store::Store& store,
                             std::span<const TaskOutcome> outcomes) {
  Files files(folder, run, store);
  for (const TaskOutcome& outcome : outcomes) {
    files.add(outcome);
  }
  return files.write_results();
}

}  // namespace nibble::study
