#include "eval/results/python_text.h"

#include <gtest/gtest.h>

#include <limits>

namespace nibble::eval {
namespace {

// The expected texts are what Python 3.11 prints for str(x).
TEST(PythonText, FloatsAreWrittenAsPythonWritesThem) {
  EXPECT_EQ(python_float(-12.0), "-12.0");
  EXPECT_EQ(python_float(0.0), "0.0");
  EXPECT_EQ(python_float(-0.0), "-0.0");
  EXPECT_EQ(python_float(0.1), "0.1");
  EXPECT_EQ(python_float(-23.54340934753418), "-23.54340934753418");
  EXPECT_EQ(python_float(0.0001), "0.0001");
  EXPECT_EQ(python_float(0.00001), "1e-05");
  EXPECT_EQ(python_float(1e15), "1000000000000000.0");
  EXPECT_EQ(python_float(1e16), "1e+16");
  EXPECT_EQ(python_float(1.5e300), "1.5e+300");
  EXPECT_EQ(python_float(std::numeric_limits<double>::quiet_NaN()), "nan");
  EXPECT_EQ(python_float(-std::numeric_limits<double>::infinity()), "-inf");
}

TEST(PythonText, BooleansHaveCapitals) {
  EXPECT_EQ(python_bool(true), "True");
  EXPECT_EQ(python_bool(false), "False");
}

}  // namespace
}  // namespace nibble::eval
