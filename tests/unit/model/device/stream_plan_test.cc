#include "model/device/stream_plan.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace nibble::model {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::size_t kMebi = std::size_t{1} << 20;

/// Ten layers of 100 MiB; 400 MiB besides.
DeviceNeeds ten_layers() {
  DeviceNeeds needs;
  needs.embedding_bytes = 100 * kMebi;
  needs.head_bytes = 50 * kMebi;
  needs.cache_bytes = 50 * kMebi;
  needs.work_bytes = 200 * kMebi;
  needs.layer_bytes.assign(10, 100 * kMebi);
  return needs;
}

StreamPlan planned(const DeviceNeeds& needs, std::size_t free_bytes) {
  return plan_stream(needs, {free_bytes}, "m.gguf", "cuda:0").take();
}

TEST(StreamPlan, EverythingStaysWhereItFits) {
  const StreamPlan plan = planned(ten_layers(), 1400 * kMebi);
  EXPECT_EQ(plan.n_streamed(), 0U);
  EXPECT_EQ(plan.device_bytes, 1400 * kMebi);
  EXPECT_EQ(plan.streamed_bytes, 0U);
  EXPECT_EQ(plan.slot_bytes, 0U);
}

/// One byte less: two slots cost what two streamed layers save, so three go.
TEST(StreamPlan, TheFewestLayersGo) {
  const StreamPlan plan = planned(ten_layers(), 1400 * kMebi - 1);
  EXPECT_EQ(plan.n_streamed(), 3U);
  EXPECT_THAT(plan.is_streamed, ElementsAre(0, 0, 1, 0, 0, 1, 0, 0, 0, 1));
  EXPECT_EQ(plan.slot_bytes, 100 * kMebi);
  EXPECT_EQ(plan.streamed_bytes, 300 * kMebi);
  EXPECT_EQ(plan.device_bytes, 1300 * kMebi);
  EXPECT_EQ(planned(ten_layers(), 1300 * kMebi).n_streamed(), 3U);
  EXPECT_EQ(planned(ten_layers(), 1300 * kMebi - 1).n_streamed(), 4U);
  EXPECT_EQ(planned(ten_layers(), 600 * kMebi).n_streamed(), 10U);
}

TEST(StreamPlan, NoPlanTakesMoreThanThereIs) {
  const DeviceNeeds needs = ten_layers();
  for (std::size_t free = 600 * kMebi; free < 1500 * kMebi; free += 7 * kMebi) {
    const StreamPlan plan = planned(needs, free);
    EXPECT_LE(plan.device_bytes, free);
    EXPECT_EQ(plan.is_streamed.size(), 10U);
    if (plan.n_streamed() > 0) {
      EXPECT_EQ(plan.is_streamed.back(), 1) << "work in front of it hides the last one";
    }
  }
}

/// Slots have the size of the largest layer that goes, not of the largest there is.
TEST(StreamPlan, SlotsHoldTheLargestStreamedLayer) {
  DeviceNeeds needs = ten_layers();
  needs.layer_bytes[0] = 400 * kMebi;
  needs.layer_bytes[9] = 150 * kMebi;
  const StreamPlan plan = plan_of(needs, spread_layers(10, 5));
  EXPECT_THAT(plan.is_streamed, ElementsAre(0, 1, 0, 1, 0, 1, 0, 1, 0, 1));
  EXPECT_EQ(plan.slot_bytes, 150 * kMebi);
  EXPECT_EQ(plan.streamed_bytes, 550 * kMebi);
  EXPECT_EQ(plan.device_bytes, needs.total_bytes() - 550 * kMebi + 300 * kMebi);
}

TEST(StreamPlan, SpreadsLayersEvenly) {
  EXPECT_THAT(spread_layers(4, 0), ElementsAre(0, 0, 0, 0));
  EXPECT_THAT(spread_layers(4, 1), ElementsAre(0, 0, 0, 1));
  EXPECT_THAT(spread_layers(4, 4), ElementsAre(1, 1, 1, 1));
  EXPECT_THAT(spread_layers(5, 3), ElementsAre(1, 0, 1, 0, 1));
  for (std::size_t n_layers = 1; n_layers < 40; ++n_layers) {
    for (std::size_t n = 0; n <= n_layers; ++n) {
      StreamPlan plan;
      plan.is_streamed = spread_layers(n_layers, n);
      ASSERT_EQ(plan.n_streamed(), n) << n_layers;
    }
  }
}

TEST(StreamPlan, TooSmallADeviceIsToldAllNumbers) {
  const auto plan = plan_stream(ten_layers(), {600 * kMebi - 1}, "m.gguf", "cuda:0");
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.failure().code, ErrorCode::kOutOfMemory);
  EXPECT_EQ(plan.failure().message,
            "m.gguf needs 1.4 GiB on cuda:0, 600 MiB with all layers in host memory (embedding "
            "100 MiB, head 50 MiB, keys and values 50 MiB, work 200 MiB, 2 layers on their way 200 "
            "MiB); 600 MiB are free");
}

TEST(StreamPlan, AModelWithoutLayersIsAllOrNothing) {
  DeviceNeeds needs = ten_layers();
  needs.layer_bytes.clear();
  EXPECT_EQ(planned(needs, 400 * kMebi).n_streamed(), 0U);
  EXPECT_FALSE(plan_stream(needs, {400 * kMebi - 1}, "m", "cuda:0"));
}

TEST(StreamNote, SaysWhatStaysOutsideAndWhatItCosts) {
  const DeviceNeeds needs = ten_layers();
  const std::size_t free = 1300 * kMebi;
  EXPECT_EQ(stream_note(needs, planned(needs, free), {free}, 50e9, "m.gguf", "cuda:0"),
            "m.gguf needs 1.4 GiB on cuda:0, 1.3 GiB are free: 3 of 10 layers stay in host memory "
            "and are copied for every pass (300 MiB at 50.0 GB/s: 0.00629 s)");
  EXPECT_THAT(stream_note(needs, planned(needs, free), {free, true}, 50e9, "m.gguf", "cuda:0"),
              HasSubstr("on cuda:0, 1.3 GiB are allowed: 3 of"));
}

}  // namespace
}  // namespace nibble::model
