#include "report/page/digits.h"

#include <gtest/gtest.h>

#include <limits>

namespace nibble::report {
namespace {

TEST(SevenDigits, KeepsSevenDigits) {
  EXPECT_EQ(seven_digits(0.123456789), 0.1234568);
  EXPECT_EQ(seven_digits(-123456789.0), -123456800.0);
  EXPECT_EQ(seven_digits(1.5), 1.5);
  EXPECT_EQ(seven_digits(0.0), 0.0);
}

TEST(SevenDigits, WhatJsonDoesNotHoldIsNothing) {
  EXPECT_EQ(seven_digits(std::nullopt), std::nullopt);
  EXPECT_EQ(seven_digits(std::numeric_limits<double>::infinity()), std::nullopt);
  EXPECT_EQ(seven_digits(std::numeric_limits<double>::quiet_NaN()), std::nullopt);
}

}  // namespace
}  // namespace nibble::report
