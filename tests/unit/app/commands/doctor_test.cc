#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "support/files.h"

namespace nibble::app {
namespace {

TEST(Doctor, FactsWithoutMeasuring) {
  const auto result = testing::run_program("doctor --no-limits --json");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const Json facts = parse_json(result.out, "stdout").take();
  EXPECT_GE(facts["processors"], 1);
  EXPECT_TRUE(facts["limits"].empty());
  EXPECT_EQ(facts["usable_kernels"].front(), "generic");
}

TEST(Doctor, MeasuresAndNamesTheUnits) {
  const auto result = testing::run_program("doctor --threads 1");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, ::testing::HasSubstr("GOPS"));
  EXPECT_THAT(result.out, ::testing::ContainsRegex("memory read .* GB/s"));
}

TEST(Doctor, SaysWhenSlowerKernelsAreForced) {
  const auto best = parse_json(testing::run_program("doctor --no-limits --json").out, "").take();
  if (best["usable_kernels"].size() == 1) {
    GTEST_SKIP() << "this processor runs the generic kernels only";
  }
  ::setenv("NIBBLE_ISA", "generic", 1);
  const auto result = testing::run_program("doctor --no-limits");
  ::unsetenv("NIBBLE_ISA");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, ::testing::HasSubstr("NIBBLE_ISA forces the generic kernels"));
}

}  // namespace
}  // namespace nibble::app
