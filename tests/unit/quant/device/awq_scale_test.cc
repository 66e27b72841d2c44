// AWQ's scaling on a GPU beside the host's.
//
// Tolerance: outputs of the module come from binary16 inputs and weights there and from float32
// ones here, and means of sizes differ in their last bits, so that a scale stored in binary16 may
// be its neighbour: errors move by up to a few in a thousand of them. Where two ratios are closer
// than that, either is right.
#include "quant/device/awq_scale.h"

#include <gmock/gmock.h>

#include "support/gpu.h"
#include "unit/quant/device/awq_on_device.h"

namespace nibble::quant {
namespace {

using nibble::testing::quant_golden;

void expect_same_choices(const std::vector<AwqScale>& got, const std::vector<AwqScale>& wanted) {
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    SCOPED_TRACE(i);
    EXPECT_EQ(got[i].site, wanted[i].site);
    const double least = wanted[i].errors[wanted[i].best];
    EXPECT_NEAR(got[i].errors[got[i].best], least, 5e-3 * least);
    EXPECT_LE(wanted[i].errors[got[i].best], least * 1.005) << "not a tie";
    ASSERT_EQ(got[i].scales.size(), wanted[i].scales.size());
    for (std::size_t k = 0; got[i].best == wanted[i].best && k < got[i].scales.size(); ++k) {
      ASSERT_NEAR(got[i].scales[k], wanted[i].scales[k], 2e-3F * wanted[i].scales[k]) << k;
    }
  }
}

TEST(AwqScaleOnDevice, ChoosesAsTheHostDoes) {
  NIBBLE_NEEDS_GPU(device);
  ThreadPool pool(2);
  for (const char* codec : {"int4g64a", "int3g32s", "int4g64ah"}) {
    SCOPED_TRACE(codec);
    AwqBlock here = uneven_awq_block(pool, codec);
    AwqOnDevice there(here, device, pool);
    const auto got = awq_scale_on(there.input());
    EXPECT_EQ(got.size(), 4U) << "v is not shared here, so o is scaled too";
    const auto wanted = awq_scale(here.input(), pool);
    expect_same_choices(got, wanted);
    const bool is_same = std::ranges::equal(
        got, wanted, [](const AwqScale& a, const AwqScale& b) { return a.best == b.best; });
    for (const char* name : {"self_attn.v_proj.weight",
                             "mlp.up_proj.weight",
                             "mlp.down_proj.weight",
                             "input_layernorm.weight",
                             "post_attention_layernorm.weight"}) {
      const auto w = here.block.weight(name);
      const auto values = there.weight(name);
      for (std::size_t k = 0; is_same && k < values.size(); ++k) {
        ASSERT_NEAR(values[k], w.data[k], 4e-3F * std::fabs(w.data[k])) << name << " " << k;
      }
    }
  }
}

TEST(AwqScaleOnDevice, AgreesWithTheReferenceImplementation) {
  NIBBLE_NEEDS_GPU(device);
  NIBBLE_NEEDS_FILE(path, quant_golden("awq.safetensors"));
  ThreadPool pool(2);
  AwqBlock here = golden_awq_block(path, pool);
  AwqOnDevice there(here, device, pool);
  const auto got = awq_scale_on(there.input());
  ASSERT_EQ(got.size(), 3U);
  EXPECT_EQ(got[0].best, 9U);
  EXPECT_EQ(got[1].best, 8U);
  EXPECT_EQ(got[2].best, 7U);
  expect_same_choices(got, awq_scale(here.input(), pool));
}

TEST(AwqScaleOnDevice, ComparesTheFirstWindowsAloneWhereItIsTold) {
  NIBBLE_NEEDS_GPU(device);
  ThreadPool pool(2);
  AwqBlock here = uneven_awq_block(pool, "int4g64a");
  AwqOnDevice there(here, device, pool);
  const AwqScaleSettings settings{.search_windows = 5};
  const auto got = awq_scale_on(there.input(), settings);
  expect_same_choices(got, awq_scale(here.input(), pool, settings));
}

TEST(AwqScaleOnDevice, LayersThatAreKeptAreNotScaled) {
  NIBBLE_NEEDS_GPU(device);
  ThreadPool pool(1);
  AwqBlock here = uneven_awq_block(pool, "int4g64a");
  here.codec = nullptr;
  AwqOnDevice there(here, device, pool);
  EXPECT_TRUE(awq_scale_on(there.input()).empty());
}

}  // namespace
}  // namespace nibble::quant
