// What planning, splitting, merging and reporting cost for a study of many variants, without a model:
//
//   study_bench [variants=1000 [tasks=4 [samples=50 [parts=50]]]]
//
// The answers are made up, everything else is what a study does: every part writes a store of its own,
// the stores are merged and reported, and the result is compared, byte by byte, with that of one run.
// Prints a line of JSON; docs/results/report.md says what came out.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <memory>

#include "base/error.h"
#include "base/file.h"
#include "base/hash.h"
#include "report/write.h"
#include "study/merge.h"
#include "study/run.h"
#include "study/sample_record.h"
#include "study/split.h"
#include "study/variant_runner.h"

namespace {

namespace fs = std::filesystem;
using namespace nibble;

struct Sizes {
  std::size_t variants = 1000, tasks = 4, samples = 50, parts = 50;
};

/// Questions of about forty tokens with two choices.
class MadeUpTask final : public eval::Task {
 public:
  MadeUpTask(std::size_t number, std::size_t n_samples)
      : info_{.name = fmt::format("task{}", number),
              .data_hash = "none",
              .metrics = {{"acc", "fraction"}}},
        n_samples_(n_samples) {}
  [[nodiscard]] const eval::TaskInfo& info() const noexcept override { return info_; }
  [[nodiscard]] std::size_t n_samples() const noexcept override { return n_samples_; }
  [[nodiscard]] eval::Sample sample(std::size_t index) const override {
    const std::string text = fmt::format("{} question {} {:0>120}", info_.name, index, "");
    return {fmt::format("q{}", index),
            {eval::LoglikelihoodRequest{text, " yes"}, eval::LoglikelihoodRequest{text, " no"}},
            text,
            "yes",
            index};
  }
  [[nodiscard]] eval::SampleResult score(const eval::Sample& sample,
                                         std::span<const eval::Response>) const override {
    eval::SampleResult out{{}, "yes", 0, false};
    out.scores["acc"] = eval::Contribution{sample.index % 3 == 0 ? 0.0 : 1.0, 1.0};
    return out;
  }

 private:
  eval::TaskInfo info_;
  std::size_t n_samples_;
};

class MadeUpRunner final : public study::VariantRunner {
 public:
  store::VariantFacts open(const study::PlannedVariant& variant,
                           ProgressSink& /*making*/) override {
    return {variant.record.id, 1000, 900, 4.5, "1 x int4", {}};
  }
  std::vector<store::MeasurementRecord> measure(const profile::Options&) override { return {}; }
  std::vector<eval::SampleResult> answer(const eval::Task& task,
                                         std::span<const eval::Sample> samples) override {
    std::vector<eval::SampleResult> out;
    for (const eval::Sample& sample : samples) {
      out.push_back(task.score(sample, {}));
    }
    return out;
  }
  void close() override {}
};

study::StudyPlan make_plan(const Sizes& sizes) {
  study::StudyPlan plan;
  for (std::size_t i = 0; i < sizes.tasks; ++i) {
    const auto task = std::make_shared<MadeUpTask>(i, sizes.samples);
    plan.tasks.push_back({study::task_record(*task), task});
  }
  for (std::size_t i = 0; i < sizes.variants; ++i) {
    const std::string name = i == 0 ? "reference" : fmt::format("variant{}", i);
    // About the length of a recipe with every setting spelled out.
    plan.variants.push_back(
        {{sha256_hex(name), name, "made up", std::string(800, '#'), sha256_hex("of " + name), {}},
         {},
         nullptr});
    for (const study::PlannedTask& task : plan.tasks) {
      plan.units.push_back(
          {sha256_hex(name + task.record.id), plan.variants.back().record.id, task.record.id, ""});
    }
  }
  plan.conditions = {{"study", "made up", true}};
  return plan;
}

double seconds_of(const auto& work) {
  const auto began = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

void run_into(const fs::path& path, const study::StudyPlan& plan) {
  const study::Spec spec;
  store::Store store = store::Store::open(path);
  MadeUpRunner runner;
  study::enter_plan(store, plan, spec, path);
  study::run_plan(store, plan, spec, runner, silent_progress());
}

int run(const Sizes& sizes, const fs::path& folder) {
  study::StudyPlan plan;
  std::vector<study::PlanShare> shares;
  const double plan_s = seconds_of([&] { plan = make_plan(sizes); });
  const double split_s = seconds_of(
      [&] { shares = study::split_plan(plan, study::plan_costs(plan, {}), sizes.parts); });
  std::vector<fs::path> parts;
  const double parts_s = seconds_of([&] {
    for (const study::PlanShare& share : shares) {
      plan.share.emplace();
      for (const std::size_t unit : share.units) {
        plan.share->insert(plan.units[unit].id);
      }
      parts.push_back(folder / fmt::format("part{}.db", parts.size()));
      run_into(parts.back(), plan);
    }
  });
  study::MergeOutcome outcome;
  const double merge_s = seconds_of(
      [&] { outcome = study::merge_stores(folder / "merged.db", parts, silent_progress()); });
  std::size_t n_lines = 0;
  const double tell_s = seconds_of([&] {
    const store::Store store = store::Store::open_read_only(folder / "merged.db");
    n_lines = study::plan_lines(plan, store).size() +
              study::split_lines(plan, study::plan_costs(plan, {}), shares).size();
  });
  fs::path page;
  const double report_s = seconds_of([&] {
    page =
        report::write_report(store::Store::open_read_only(folder / "merged.db"), folder / "report");
  });
  plan.share.reset();
  const double single_s = seconds_of([&] { run_into(folder / "single.db", plan); });
  const std::vector<fs::path> single = {folder / "single.db"};
  const double canonical_s =
      seconds_of([&] { study::merge_stores(folder / "canonical.db", single, silent_progress()); });
  const bool is_equal = read_text_file(folder / "merged.db", std::size_t{8} << 30).take() ==
                        read_text_file(folder / "canonical.db", std::size_t{8} << 30).take();
  const auto [least, most] = std::ranges::minmax(shares, {}, &study::PlanShare::cost);
  fmt::print(
      "{{\"variants\": {}, \"tasks\": {}, \"samples\": {}, \"parts\": {}, \"units\": {}, "
      "\"stored_samples\": {}, \"plan_s\": {:.3f}, \"split_s\": {:.3f}, \"tell_s\": {:.3f}, "
      "\"told_lines\": {}, \"parts_s\": {:.1f}, \"merge_s\": {:.1f}, \"report_s\": {:.1f}, "
      "\"single_s\": {:.1f}, \"canonical_s\": {:.1f}, \"part_bytes\": {}, \"merged_bytes\": {}, "
      "\"page_bytes\": {}, \"cost_least\": {}, \"cost_most\": {}, \"equal\": {}}}\n",
      sizes.variants,
      sizes.tasks,
      sizes.samples,
      sizes.parts,
      plan.units.size(),
      outcome.completeness.samples,
      plan_s,
      split_s,
      tell_s,
      n_lines,
      parts_s,
      merge_s,
      report_s,
      single_s,
      canonical_s,
      fs::file_size(parts.front()),
      fs::file_size(folder / "merged.db"),
      fs::file_size(page),
      least.cost,
      most.cost,
      is_equal);
  return is_equal ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  Sizes sizes;
  std::size_t* const values[] = {&sizes.variants, &sizes.tasks, &sizes.samples, &sizes.parts};
  for (int i = 1; i < std::min(argc, 5); ++i) {
    *values[i - 1] = std::strtoul(argv[i], nullptr, 10);
  }
  std::string folder = (fs::temp_directory_path() / "study-bench-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) {
    return 1;
  }
  int status = 1;
  try {
    status = run(sizes, folder);
  } catch (const Error& error) {
    fmt::print(stderr, "study_bench: {}\n", error.what());
  }
  fs::remove_all(folder);
  return status;
}
