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
  ASSERT_TRUE(facts["cuda_devices"].is_array());
  for (std::size_t i = 0; i < facts["cuda_devices"].size(); ++i) {
    const Json& gpu = facts["cuda_devices"][i];
    EXPECT_EQ(gpu["device"], "cuda:" + std::to_string(i)) << "as --device takes it";
    EXPECT_LE(gpu["free_memory_bytes"], gpu["memory_bytes"]);
  }
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
