#include "report/profile/figures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "profile_store.h"
#include "support/files.h"

namespace nibble::report {
namespace {

using nibble::testing::TempFolder;
using ::testing::HasSubstr;

Spread spread_from(std::size_t n) {
  Spread spread{0, 0, 0, n, {}};
  for (std::size_t i = 0; i < n; ++i) {
    spread.sorted.push_back(static_cast<double>(i));
  }
  return spread;
}

TEST(Percentile, IsLinearAndWantsEnoughValues) {
  EXPECT_DOUBLE_EQ(*percentile(spread_from(101), 0.99), 99);
  EXPECT_NEAR(*percentile(spread_from(100), 0.99), 98.01, 1e-9);
  EXPECT_FALSE(percentile(spread_from(99), 0.99));
  EXPECT_TRUE(percentile(spread_from(20), 0.95));
  EXPECT_FALSE(percentile(spread_from(19), 0.95));
  EXPECT_EQ(least_values(0.9), 10U);
  EXPECT_EQ(least_values(0.99), 100U);
}

class FiguresTest : public ::testing::Test {
 protected:
  TempFolder folder_;
  store::Store store_ = profile_store(folder_ / "s.db");
  Data data_ = gather(store_);
  const Variant& reference_ = data_.variants[0];
  const Variant& small_ = data_.variants[1];
};

TEST_F(FiguresTest, UseIsOverThePeakOfThePrecision) {
  // 2.56e10 FLOP in the median first token of 212 ms; f16 weights run in floats, int4 in integers.
  EXPECT_NEAR(*compute_use(data_, reference_, Peak::kMeasured).value, 2.56e10 / 0.212 / 4e11, 1e-9);
  EXPECT_NEAR(*compute_use(data_, small_, Peak::kMeasured).value, 2.56e10 / 0.162 / 4e12, 1e-9);
  EXPECT_NEAR(*compute_use(data_, small_, Peak::kNominal).value, 2.56e10 / 0.162 / 65e12, 1e-9);
  EXPECT_NEAR(*bandwidth_use(data_, small_, Peak::kMeasured).value, 3e7 / 0.00802 / 20e9, 1e-9);
  EXPECT_NEAR(*bandwidth_use(data_, small_, Peak::kNominal).value, 3e7 / 0.00802 / 320e9, 1e-9);
}

TEST_F(FiguresTest, EnergyIsMeasuredOrNamedAnEstimate) {
  const EnergyFigure measured = token_energy(data_, small_);
  EXPECT_EQ(measured.joules.value, 0.5);
  EXPECT_FALSE(measured.is_estimate);
  const EnergyFigure estimate = token_energy(data_, reference_);
  EXPECT_TRUE(estimate.is_estimate);
  EXPECT_NEAR(*estimate.joules.value, 0.7 * 70 * 0.01002, 1e-9);
  EXPECT_NEAR(*request_energy(data_, reference_).joules.value, 0.7 * 70 * 0.5, 1e-9);
}

TEST_F(FiguresTest, WithoutSensorAndPowerThereIsAReason) {
  store_.replace_conditions(std::vector<store::Condition>{{"study", "profile", true}});
  data_ = gather(store_);
  const EnergyFigure none = token_energy(data_, data_.variants[0]);
  EXPECT_FALSE(none.joules.value);
  EXPECT_EQ(none.joules.reason, "no sensor; no rated power to estimate from");
  EXPECT_THAT(bandwidth_use(data_, data_.variants[0], Peak::kNominal).reason,
              HasSubstr("not in the table of hardware"));
  EXPECT_EQ(token_energy(data_, data_.variants[4]).joules.reason, "not run yet");
}

TEST_F(FiguresTest, ThroughputAndPrice) {
  EXPECT_NEAR(*throughput(small_).value, 33 / 0.4, 1e-9);
  EXPECT_NEAR(*price_of_million(data_, small_).value, 0.36 / (82.5 * 3600) * 1e6, 1e-9);
  store_.replace_conditions(std::vector<store::Condition>{{"price per kWh", "0.25", false}});
  data_ = gather(store_);
  EXPECT_NEAR(
      *price_of_million(data_, data_.variants[1]).value, 0.25 * (20.0 / 33) / 3.6e6 * 1e6, 1e-12);
  EXPECT_THAT(price_of_million(data_, data_.variants[0]).reason, HasSubstr("no rated power"));
  store_.replace_conditions(std::vector<store::Condition>{});
  data_ = gather(store_);
  EXPECT_THAT(price_of_million(data_, data_.variants[1]).reason, HasSubstr("[cost] per_hour"));
}

}  // namespace
}  // namespace nibble::report
