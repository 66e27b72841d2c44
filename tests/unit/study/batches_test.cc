#include "study/batches.h"

#include <gtest/gtest.h>

#include "fakes.h"

namespace nibble::study {
namespace {

TEST(Batches, SharedContextsCountOnce) {
  eval::Sample sample;
  sample.requests = {eval::LoglikelihoodRequest{std::string(100, 'c'), " one"},
                     eval::LoglikelihoodRequest{std::string(100, 'c'), " three"},
                     eval::GenerationRequest{std::string(50, 'g'), 10, {}},
                     eval::WindowRequest{std::vector<std::int32_t>(25), 1},
                     eval::RollingRequest{"seven b"}};
  EXPECT_EQ(sample_cost(sample), 100U + 4 + 6 + 50 + 40 + 100 + 7);
}

TEST(Batches, CoverEverySampleOnceInOrder) {
  const FakeTask task("a", 70);
  std::size_t next = 0;
  for (const Batch& batch : plan_batches(task)) {
    EXPECT_EQ(batch.first, next);
    EXPECT_LE(batch.n, kMaxBatchSamples);
    next += batch.n;
  }
  EXPECT_EQ(next, 70U);
  EXPECT_EQ(plan_batches(task).size(), 3U);
}

/// Samples of `bytes` bytes each.
class LongTask final : public eval::Task {
 public:
  explicit LongTask(std::size_t bytes) : bytes_(bytes) {}
  [[nodiscard]] const eval::TaskInfo& info() const noexcept override { return info_; }
  [[nodiscard]] std::size_t n_samples() const noexcept override { return 5; }
  [[nodiscard]] eval::Sample sample(std::size_t index) const override {
    return {"s", {eval::RollingRequest{std::string(bytes_, 'x')}}, "", "", index};
  }
  [[nodiscard]] eval::SampleResult score(const eval::Sample&,
                                         std::span<const eval::Response>) const override {
    return {};
  }

 private:
  eval::TaskInfo info_;
  std::size_t bytes_;
};

TEST(Batches, LongSamplesStandAlone) {
  EXPECT_EQ(plan_batches(LongTask(2 * kMaxBatchBytes)).size(), 5U);
  EXPECT_EQ(plan_batches(LongTask(kMaxBatchBytes / 2)).size(), 3U);
}

/// Questions behind the same examples.
class FewShotTask final : public eval::Task {
 public:
  [[nodiscard]] const eval::TaskInfo& info() const noexcept override { return info_; }
  [[nodiscard]] std::size_t n_samples() const noexcept override { return 20; }
  [[nodiscard]] eval::Sample sample(std::size_t index) const override {
    const std::string context =
        std::string(kMaxBatchBytes / 2, 'e') + static_cast<char>('a' + index);
    return {"s",
            {eval::LoglikelihoodRequest{context, " A"}, eval::LoglikelihoodRequest{context, " B"}},
            "",
            "",
            index};
  }
  [[nodiscard]] eval::SampleResult score(const eval::Sample&,
                                         std::span<const eval::Response>) const override {
    return {};
  }

 private:
  eval::TaskInfo info_;
};

TEST(Batches, WhatSamplesBeginWithInCommonCountsOnce) {
  EXPECT_EQ(plan_batches(FewShotTask()).size(), 1U);
}

}  // namespace
}  // namespace nibble::study
