#include "quant/device/nearest.h"

#include <gmock/gmock.h>

#include "support/gpu.h"
#include "unit/quant/device/random_weights.h"

namespace nibble::quant {
namespace {

TEST(NearestOnDevice, EqualsTheHostsBitForBit) {
  NIBBLE_NEEDS_GPU(device);
  ThreadPool pool(2);
  constexpr std::size_t kRows = 61, kCols = 328;
  auto w = random_weights(kRows * kCols, 3);
  std::fill_n(w.begin() + 2 * kCols, kCols, 0.0F);
  w[5 * kCols + 7] = 3.0F;
  const DeviceMatrix there = upload_matrix(device, dense_floats(w, kRows, kCols), pool);
  for (const char* name : {"int4g64a", "int4g128s", "int3g32ah", "int2g64sh", "int8ca"}) {
    for (const RangeRule rule : {RangeRule::kMinMax, RangeRule::kRaw}) {
      SCOPED_TRACE(name);
      const auto format = codec::int_group_from_name(name).value();
      const auto wanted = codec::pack_int_group(
          format, kRows, kCols, nearest_int_group({w.data(), kRows, kCols}, format, rule, pool));
      const auto got = download_codes(device, nearest_on(device, there, format, rule));
      ASSERT_EQ(got.parts.size(), wanted.parts.size());
      for (std::size_t i = 0; i < got.parts.size(); ++i) {
        EXPECT_TRUE(std::ranges::equal(got.parts[i].tensor.bytes(), wanted.parts[i].tensor.bytes()))
            << got.parts[i].name;
      }
    }
  }
}

}  // namespace
}  // namespace nibble::quant
