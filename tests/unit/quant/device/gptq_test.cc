// Tolerance: device/gptq.h says which ties may fall otherwise than on the host; a code that does
// changes what the inputs behind it make up for, so the objective is held, too.
#include "quant/device/gptq.h"

#include <gmock/gmock.h>

#include "quant/linear_algebra.h"
#include "support/gpu.h"
#include "unit/quant/device/random_weights.h"

namespace nibble::quant {
namespace {

constexpr std::size_t kRows = 96, kCols = 420;

/// A moment that both sides have to the last bit.
std::vector<float> float_moment(std::size_t n_tokens, std::size_t n_dead = 0) {
  auto x = random_inputs(n_tokens, kCols, 23);
  for (std::size_t t = 0; t < n_tokens; ++t) {
    for (std::size_t d = 0; d < n_dead; ++d) {
      x[t * kCols + 5 + 60 * d] = 0;
    }
  }
  const auto exact = moment_of(x, kCols);
  return {exact.begin(), exact.end()};
}

void compare(ops::Device& device,
             const char* name,
             const GptqSettings& settings,
             const std::vector<float>& moment) {
  ThreadPool pool(2);
  const auto format = codec::int_group_from_name(name).value();
  const auto w = random_weights(kRows * kCols, 29);
  const MatrixView<const float> view(w.data(), kRows, kCols);
  const std::vector<double> h(moment.begin(), moment.end());
  const MatrixView<const double> h_view(h.data(), kCols, kCols);
  const auto wanted = gptq(view, h_view, format, settings, pool);
  DeviceMoment there = DeviceMoment::of(device, moment, kCols);
  const auto got = gptq_on(
      device, upload_matrix(device, dense_floats(w, kRows, kCols), pool), there, format, settings);
  EXPECT_EQ(got.n_dead, wanted.n_dead);
  EXPECT_EQ(got.damping, wanted.damping);
  EXPECT_EQ(got.is_diagonal, wanted.is_diagonal);
  const auto matrix = download_codes(device, got.codes);
  const auto packed = codec::pack_int_group(format, kRows, kCols, wanted.codes);
  EXPECT_TRUE(static_cast<bool>(matrix.codec->validate(matrix))) << name;
  const auto codes = codec::unpack_int_group(matrix);
  EXPECT_EQ(codes.order, wanted.codes.order) << name;
  EXPECT_LE(share_that_differs(codes.codes, wanted.codes.codes), 2e-3) << name;
  EXPECT_NEAR(
      weighted_error(view, matrix, h_view, pool) / weighted_error(view, packed, h_view, pool),
      1.0,
      1e-3)
      << name;
  if (settings.static_groups) {
    EXPECT_EQ(codes.scales, codec::unpack_int_group(packed).scales) << name;
    EXPECT_EQ(codes.zeros, wanted.codes.zeros) << name;
  }
}

TEST(DeviceGptq, ChoosesTheCodesOfTheHost) {
  NIBBLE_NEEDS_GPU(device);
  const auto moment = float_moment(1500);
  for (const char* name : {"int4g128a", "int4g64s", "int3g32ah", "int4ca", "int2g128s"}) {
    compare(device, name, {}, moment);
    compare(device, name, {.order = InputOrder::kNatural, .static_groups = false}, moment);
    compare(device, name, {.order = InputOrder::kGrouped, .static_groups = true}, moment);
    compare(device, name, {.range = RangeRule::kRaw}, moment);
  }
}

TEST(DeviceGptq, GroupsByPlaceBringTheirOrder) {
  NIBBLE_NEEDS_GPU(device);
  compare(device, "int4g128pah", {.static_groups = false}, float_moment(1500));
}

TEST(DeviceGptq, DeadInputsAndRaisedDamping) {
  NIBBLE_NEEDS_GPU(device);
  compare(device, "int4g64a", {}, float_moment(1500, 6));
  auto indefinite = float_moment(200);
  indefinite[1] = indefinite[kCols] = 2e3F;  // larger than the energies of both its inputs allow
  compare(device, "int4g64a", {.damping = 0.0}, indefinite);
}

TEST(DeviceGptq, SecondMomentsSumExactProducts) {
  NIBBLE_NEEDS_GPU(device);
  ThreadPool pool(2);
  const auto x = random_inputs(700, kCols, 31);
  const ops::DeviceBuffer there = device.upload(std::span<const std::uint16_t>(x));
  DeviceMoment moment(device, kCols);
  moment.add(there.data(), 300);
  moment.add(there.as<const std::uint16_t>() + 300 * kCols, 400);
  moment.finish();
  const auto format = codec::int_group_from_name("int4g128a").value();
  const auto w = random_weights(kRows * kCols, 29);
  const auto exact = moment_of(x, kCols);
  const std::vector<float> rounded(exact.begin(), exact.end());
  DeviceMoment wanted = DeviceMoment::of(device, rounded, kCols);
  const DeviceMatrix weight = upload_matrix(device, dense_floats(w, kRows, kCols), pool);
  const auto codes = [&](DeviceMoment& of) {
    return codec::unpack_int_group(
               download_codes(device, gptq_on(device, weight, of, format, {}).codes))
        .codes;
  };
  EXPECT_LE(share_that_differs(codes(moment), codes(wanted)), 2e-3);
}

TEST(DeviceGptq, RefusesWhatItDoesNotDo) {
  EXPECT_THAT(check_gptq_on({.range = RangeRule::kMse}).failure().message,
              ::testing::HasSubstr("range = \"mse\" does not run on a device yet"));
  EXPECT_THAT(check_gptq_on({.asymmetry = 0.5}).failure().message,
              ::testing::HasSubstr("asymmetry does not run on a device yet"));
  EXPECT_TRUE(static_cast<bool>(check_gptq_on({})));
}

}  // namespace
}  // namespace nibble::quant
