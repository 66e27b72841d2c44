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

TEST(Metric, TransformsHaveNames) {
  for (const Transform transform : {Transform::kIdentity, Transform::kExp, Transform::kPerLn2}) {
    EXPECT_EQ(transform_from_name(transform_name(transform)), transform);
  }
  EXPECT_EQ(transform_name(Transform::kPerLn2), "per_ln2");
  EXPECT_EQ(transform_from_name("log"), std::nullopt);
  EXPECT_EQ(transform_from_name(""), std::nullopt);
}

TEST(Metric, RightOrWrongHasWeightOne) {
  EXPECT_TRUE(is_right_or_wrong({0, 1}));
  EXPECT_TRUE(is_right_or_wrong({1, 1}));
  EXPECT_FALSE(is_right_or_wrong({0.5, 1}));
  EXPECT_FALSE(is_right_or_wrong({1, 2}));
}

TEST(Metric, IsNotANumberWithoutSamples) {
  EXPECT_TRUE(std::isnan(metric_value({}, Transform::kIdentity)));
  EXPECT_TRUE(std::isnan(metric_value({}, Transform::kExp)));
}

}  // namespace
}  // namespace nibble::eval
