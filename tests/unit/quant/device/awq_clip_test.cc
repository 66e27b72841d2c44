// AWQ's clipping on a GPU beside the host's. Inputs are rounded to binary16 there, so a limit may
// differ where two of the ten are as good.
#include "quant/device/awq_clip.h"

#include <gmock/gmock.h>

#include "quant/transform/awq_clip.h"
#include "support/gpu.h"
#include "unit/quant/device/awq_on_device.h"

namespace nibble::quant {
namespace {

using nibble::testing::quant_golden;

/// The share of limits that differ, over all layers.
double share_of_other_limits(const std::map<std::string, std::vector<float>>& a,
                             const std::map<std::string, std::vector<float>>& b) {
  std::vector<float> all_a, all_b;
  for (const auto& [name, limits] : a) {
    all_a.insert(all_a.end(), limits.begin(), limits.end());
    all_b.insert(all_b.end(), b.at(name).begin(), b.at(name).end());
  }
  return share_that_differs(all_a, all_b);
}

TEST(AwqClipOnDevice, FindsTheLimitsOfTheHost) {
  NIBBLE_NEEDS_GPU(device);
  ThreadPool pool(2);
  for (const char* codec : {"int4g64a", "int3g32s", "int3ca"}) {
    SCOPED_TRACE(codec);
    AwqBlock here = uneven_awq_block(pool, codec);
    AwqOnDevice there(here, device, pool);
    const auto before = there.weight("mlp.down_proj.weight");
    const auto got = awq_clip_on(there.input());
    const auto wanted = awq_clip(here.input(), pool);
    ASSERT_EQ(got.size(), 5U);
    EXPECT_LE(share_of_other_limits(got, wanted), 0.01);
    const auto& limits = got.at("mlp.down_proj.weight");
    const auto after = there.weight("mlp.down_proj.weight");
    const std::size_t n_groups = limits.size() / 128;
    const std::size_t group = codec::int_group_format(*here.codec)->group_of(192);
    std::size_t n_clipped = 0;
    for (std::size_t i = 0; i < after.size(); ++i) {
      const float most = limits[i / 192 * n_groups + i % 192 / group];
      ASSERT_EQ(after[i], std::clamp(before[i], -most, most)) << i;
      n_clipped += after[i] != before[i] ? 1 : 0;
    }
    EXPECT_GT(n_clipped, 0U);
  }
}

TEST(AwqClipOnDevice, AgreesOnTheBlockOfTheReference) {
  NIBBLE_NEEDS_GPU(device);
  NIBBLE_NEEDS_FILE(path, quant_golden("awq.safetensors"));
  ThreadPool pool(2);
  AwqBlock here = golden_awq_block(path, pool);
  scale_like_reference(here, nibble::testing::GoldenTensors(path));
  AwqOnDevice there(here, device, pool);
  const auto got = awq_clip_on(there.input());
  EXPECT_LE(share_of_other_limits(got, awq_clip(here.input(), pool)), 0.01);
}

}  // namespace
}  // namespace nibble::quant
