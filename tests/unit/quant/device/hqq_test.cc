// Tolerance: device/hqq.h says which ties may fall otherwise than on the host.
#include "quant/device/hqq.h"

#include <gmock/gmock.h>

#include "support/gpu.h"
#include "unit/quant/device/random_weights.h"

namespace nibble::quant {
namespace {

void compare(ops::Device& device, const char* name, const HqqSettings& settings, float spread) {
  constexpr std::size_t kRows = 200, kCols = 1100;
  constexpr double kTies = 2e-5;
  constexpr double kLastBits = 2e-2;  // of zeros, where a power is rounded otherwise
  ThreadPool pool(2);
  const auto format = codec::int_group_from_name(name).value();
  const auto w = random_weights(kRows * kCols, 11, spread);
  const auto wanted = hqq({w.data(), kRows, kCols}, format, settings, pool);
  const DeviceCodes there =
      hqq_on(device, upload_matrix(device, dense_floats(w, kRows, kCols), pool), format, settings);
  const auto got = codec::unpack_int_group(download_codes(device, there));
  const auto packed =
      codec::unpack_int_group(codec::pack_int_group(format, kRows, kCols, wanted.codes));
  EXPECT_LE(share_that_differs(got.codes, packed.codes), kTies) << name;
  EXPECT_EQ(got.scales, packed.scales) << name;
  EXPECT_LE(share_that_differs(got.zeros, packed.zeros), kLastBits) << name;
}

TEST(DeviceHqq, ChoosesTheCodesOfTheHost) {
  NIBBLE_NEEDS_GPU(device);
  for (const char* name : {"int4g64f", "int4g64fh", "int3g128f", "int2g64f", "int8cf"}) {
    compare(device, name, {.round_zero = true}, 0.02F);
    compare(device, name, {.round_zero = false}, 0.02F);
  }
}

TEST(DeviceHqq, ShrinksLargeResidualsAsTheHostDoes) {
  NIBBLE_NEEDS_GPU(device);
  compare(device, "int2g64f", {}, 2.0F);
  compare(device, "int3g64f", {.max_iterations = 3, .beta = 3.0F, .p = 0.5F}, 4.0F);
}

TEST(DeviceHqq, NoIterationIsRounding) {
  NIBBLE_NEEDS_GPU(device);
  compare(device, "int4g64f", {.max_iterations = 0}, 0.02F);
}

}  // namespace
}  // namespace nibble::quant
