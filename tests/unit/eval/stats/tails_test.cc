#include "eval/stats/tails.h"

#include <gtest/gtest.h>

#include <cmath>

namespace nibble::eval::stats {
namespace {

struct Case {
  double x, freedom, wanted;  ///< scipy 1.17.1
};

TEST(Tails, OfStudentsT) {
  for (const Case& c : {Case{0.5, 1, 0.7048327646991335},
                        {2.0, 3, 0.13932596855884305},
                        {2.0, 30, 0.054625044962983094},
                        {12.0, 7, 6.358310378185098e-06},
                        {40.0, 200, 2.2487396535202197e-97}}) {
    EXPECT_NEAR(student_two_sided(c.x, c.freedom) / c.wanted, 1.0, 1e-11) << c.x;
    EXPECT_EQ(student_two_sided(-c.x, c.freedom), student_two_sided(c.x, c.freedom));
  }
  EXPECT_EQ(student_two_sided(0.0, 5), 1.0);
  EXPECT_EQ(student_two_sided(INFINITY, 5), 0.0);
}

TEST(Tails, OfChiSquared) {
  for (const Case& c : {Case{0.3, 1, 0.583882420770365},
                        {3.0, 2, 0.22313016014842982},
                        {9.5, 4, 0.04974724741794365},
                        {100.0, 3, 1.5541594313896026e-21},
                        {30.0, 40, 0.8752187849674751}}) {
    EXPECT_NEAR(chi_squared_upper(c.x, c.freedom) / c.wanted, 1.0, 1e-11) << c.x;
  }
  EXPECT_EQ(chi_squared_upper(0.0, 3), 1.0);
}

TEST(Tails, OfTheNormal) {
  EXPECT_NEAR(normal_two_sided(1.959963984540054), 0.05, 1e-14);
  EXPECT_EQ(normal_two_sided(0.0), 1.0);
}

TEST(Tails, HaveNoValueWithoutDegrees) {
  EXPECT_TRUE(std::isnan(student_two_sided(1.0, 0.0)));
  EXPECT_TRUE(std::isnan(student_two_sided(NAN, 3.0)));
  EXPECT_TRUE(std::isnan(chi_squared_upper(1.0, -1.0)));
}

}  // namespace
}  // namespace nibble::eval::stats
