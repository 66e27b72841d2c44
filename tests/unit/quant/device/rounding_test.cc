// Tolerance: offsets follow the host's bit for bit. Where factors move too, a slope whose sum the
// order decides may move one of them the other way, and with it the values of its group.
#include "quant/device/rounding.h"

#include <gmock/gmock.h>

#include "support/gpu.h"
#include "unit/quant/device/random_weights.h"

namespace nibble::quant {
namespace {

constexpr std::size_t kRows = 40, kCols = 200;  // groups of 64 leave one of 8
constexpr std::size_t kTurn = 8;

/// The same matrix on both sides; on the device its rows are those of the second of two matrices
/// that take turns.
class BothSides {
 public:
  BothSides(ops::Device& device, const char* codec)
      : device_(device),
        format_(codec::int_group_from_name(codec).value()),
        w_(random_weights(kRows * kCols, 11)),
        here_({w_.data(), kRows, kCols}, format_, pool_),
        decoded_(device.allocate(2 * kRows * kCols * sizeof(std::uint16_t))),
        there_(device,
               upload_matrix(device, dense_floats(w_, kRows, kCols), pool_),
               format_,
               {decoded_.data(), kTurn, kTurn}) {
    wanted_.resize(kRows * kCols);
    here_.decode({wanted_.data(), kRows, kCols}, pool_);
  }

  void step(std::uint32_t seed, const StepSizes& sizes, Keep keep) {
    const auto gradient = random_weights(kRows * kCols, seed, 1.0F);
    std::vector<float> by_place(2 * kRows * kCols, 1e6F);
    for (std::size_t r = 0; r < kRows; ++r) {
      std::copy_n(&gradient[r * kCols], kCols, &by_place[place_of(r) * kCols]);
    }
    const ops::DeviceBuffer there = device_.upload(std::span<const float>(by_place));
    there_.step(there.as<const float>(), sizes, keep);
    here_.step({gradient.data(), kRows, kCols}, sizes, keep, {wanted_.data(), kRows, kCols}, pool_);
  }

  /// The share of decoded values that differ.
  [[nodiscard]] double share_apart() const {
    std::vector<std::uint16_t> all(2 * kRows * kCols), got, wanted;
    device_.download(decoded_.data(), all.data(), decoded_.size());
    for (std::size_t r = 0; r < kRows; ++r) {
      const auto row = std::span(all).subspan(place_of(r) * kCols, kCols);
      got.insert(got.end(), row.begin(), row.end());
    }
    for (const float w : wanted_) {
      wanted.push_back(f32_to_f16(w));
    }
    return share_that_differs(got, wanted);
  }

  void expect_same_codes(double most_apart) {
    const auto wanted = here_.codes(pool_);
    const auto got = codec::unpack_int_group(download_codes(device_, there_.take_codes()));
    EXPECT_LE(share_that_differs(got.codes, wanted.codes), most_apart);
    EXPECT_LE(share_that_differs(got.scales, wanted.scales), most_apart);
    EXPECT_LE(share_that_differs(got.zeros, wanted.zeros), most_apart);
  }

 private:
  static std::size_t place_of(std::size_t r) { return kTurn + r / kTurn * 2 * kTurn + r % kTurn; }

  ops::Device& device_;
  ThreadPool pool_{2};
  codec::IntGroupFormat format_;
  std::vector<float> w_, wanted_;
  RoundingTuner here_;
  ops::DeviceBuffer decoded_;
  DeviceRounding there_;
};

constexpr auto kCodecs = {"int4g64sh", "int4g64a", "int3g32ah", "int2g128s", "int8cs"};

TEST(DeviceRounding, OffsetsMoveAsTheHostsDo) {
  NIBBLE_NEEDS_GPU(device);
  for (const char* codec : kCodecs) {
    SCOPED_TRACE(codec);
    BothSides both(device, codec);
    EXPECT_EQ(both.share_apart(), 0.0) << "the start";
    for (std::uint32_t i = 0; i < 4; ++i) {
      both.step(50 + i, {.rounding = 0.2F - 0.04F * static_cast<float>(i)}, Keep::kNo);
      EXPECT_EQ(both.share_apart(), 0.0) << i;
    }
    both.expect_same_codes(0.0);  // the start was never replaced
  }
}

TEST(DeviceRounding, FactorsFollowAndTheBestStateIsKept) {
  NIBBLE_NEEDS_GPU(device);
  for (const char* codec : kCodecs) {
    SCOPED_TRACE(codec);
    BothSides both(device, codec);
    for (std::uint32_t i = 0; i < 5; ++i) {
      both.step(70 + i, {.rounding = 0.1F, .range = 0.02F}, i == 3 ? Keep::kYes : Keep::kNo);
      EXPECT_LE(both.share_apart(), 0.02) << i;
    }
    both.expect_same_codes(0.02);
  }
}

}  // namespace
}  // namespace nibble::quant
