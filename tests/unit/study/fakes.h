/// A task and a runner without a model, for tests of the study's machinery.
#pragma once

#include <fmt/format.h>

#include <functional>

#include "base/cancel.h"
#include "study/plan.h"
#include "study/variant_runner.h"

namespace nibble::study {

/// `n` samples; the answer to sample i is right when the runner says so.
class FakeTask final : public eval::Task {
 public:
  FakeTask(std::string name,
           std::size_t n,
           std::string data_hash = "data",
           std::string protocol = "asks nothing")
      : info_{.name = std::move(name),
              .protocol = std::move(protocol),
              .data_hash = std::move(data_hash),
              .metrics = {{"acc", "fraction"}}},
        n_(n) {}
  [[nodiscard]] const eval::TaskInfo& info() const noexcept override { return info_; }
  [[nodiscard]] std::size_t n_samples() const noexcept override { return n_; }
  [[nodiscard]] eval::Sample sample(std::size_t index) const override {
    return {fmt::format("{}-{}", info_.name, index),
            {eval::LoglikelihoodRequest{fmt::format("context {}", index), " yes"}},
            "prompt",
            "target",
            index};
  }
  [[nodiscard]] eval::SampleResult score(const eval::Sample& sample,
                                         std::span<const eval::Response>) const override {
    eval::SampleResult result{
        {}, sample.index % 3 == 0 ? "yes" : "no", sample.index % 10 == 9 ? 5U : 0U, false};
    result.scores["acc"] =
        sample.index % 7 == 6
            ? std::nullopt
            : std::optional(eval::Contribution{sample.index % 3 == 0 ? 1.0 : 0.0, 1.0});
    return result;
  }

 private:
  eval::TaskInfo info_;
  std::size_t n_;
};

class FakeRunner final : public VariantRunner {
 public:
  store::VariantFacts open(const PlannedVariant& variant, ProgressSink& /*making*/) override {
    ++n_opened;
    if (on_open) {
      on_open(variant);
    }
    return {"hash of " + variant.record.name, 1000, 900, 4.5, "1 x int4"};
  }
  std::vector<store::MeasurementRecord> measure(const profile::Options&) override {
    return {{"decode", "ms/token", 0, 5.0, ""}};
  }
  std::vector<eval::SampleResult> answer(const eval::Task& task,
                                         std::span<const eval::Sample> samples) override {
    if (before_answer) {
      before_answer(n_answered);
    }
    std::vector<eval::SampleResult> out;
    for (const eval::Sample& sample : samples) {
      out.push_back(task.score(sample, {}));
    }
    n_answered += samples.size();
    return out;
  }
  void close() override {}

  std::function<void(const PlannedVariant&)> on_open;
  std::function<void(std::size_t n_answered)> before_answer;
  std::size_t n_opened = 0;
  std::size_t n_answered = 0;
};

inline Spec fake_spec() {
  Spec spec;
  spec.name = "fake";
  spec.tasks = {{"a", 0, 2048}, {"b", 0, 2048}};
  spec.variants = {{"reference", "none"}, {"int4", "rtn-int4"}};
  spec.measure = profile::Options{};
  return spec;
}

inline PlanInputs fake_inputs() {
  profile::Host host;
  host.processor = "a processor";
  host.n_processors = 2;
  return {{"weights", "tokenizer", "Fake-1B"},
          host,
          "0.1.0",
          "generic",
          {std::make_shared<FakeTask>("a", 70), std::make_shared<FakeTask>("b", 10)}};
}

}  // namespace nibble::study
