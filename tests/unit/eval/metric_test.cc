#include "eval/metric.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace nibble::eval {
namespace {

TEST(Metric, DividesTheSumsThenTransforms) {
  const std::vector<Contribution> samples = {{6.0, 2.0}, {2.0, 2.0}};
  EXPECT_DOUBLE_EQ(metric_value(samples, Transform::kIdentity), 2.0);
  EXPECT_DOUBLE_EQ(metric_value(samples, Transform::kExp), std::exp(2.0));
  EXPECT_DOUBLE_EQ(metric_value(samples, Transform::kPerLn2), 2.0 / std::log(2.0));
}

TEST(Metric, IsNotANumberWithoutSamples) {
  EXPECT_TRUE(std::isnan(metric_value({}, Transform::kIdentity)));
  EXPECT_TRUE(std::isnan(metric_value({}, Transform::kExp)));
}

}  // namespace
}  // namespace nibble::eval
