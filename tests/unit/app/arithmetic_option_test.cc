#include "app/arithmetic_option.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

namespace nibble::app {
namespace {

Arithmetic parsed(const std::string& line) {
  CLI::App app;
  Arithmetic mode = Arithmetic::kNative;
  add_arithmetic_option(app, mode);
  app.parse(line);
  return mode;
}

TEST(ArithmeticOption, ReadsEveryMode) {
  EXPECT_EQ(parsed(""), Arithmetic::kNative);
  EXPECT_EQ(parsed("--arithmetic f32"), Arithmetic::kF32);
  EXPECT_EQ(parsed("--arithmetic deterministic"), Arithmetic::kDeterministic);
}

TEST(ArithmeticOption, NamesWhatItWants) {
  try {
    parsed("--arithmetic fp8");
    FAIL() << "no error";
  } catch (const CLI::ParseError& error) {
    EXPECT_STREQ(error.what(), "--arithmetic: 'fp8': wanted f32, native or deterministic");
  }
}

TEST(ArithmeticOption, ShowsItsDefaultInTheHelp) {
  CLI::App app;
  Arithmetic mode = Arithmetic::kDeterministic;
  add_arithmetic_option(app, mode);
  EXPECT_THAT(app.help(), ::testing::HasSubstr("=deterministic"));
}

}  // namespace
}  // namespace nibble::app
