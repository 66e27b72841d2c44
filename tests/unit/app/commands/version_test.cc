#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "support/files.h"

namespace nibble::app {
namespace {

TEST(Version, NamesKernelsAndCudaWithoutADriver) {
  const auto result = testing::run_program("version --json");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  const Json facts = parse_json(result.out, "stdout").take();
  EXPECT_EQ(facts["version"], NIBBLE_VERSION);
  EXPECT_THAT(facts["kernels"].get<std::string>(),
              ::testing::AnyOf("generic", "avx2", "avx512", "avx512fma", "neon"));
  EXPECT_TRUE(facts["cuda_devices"].is_array());
  EXPECT_NE(facts["cuda"], "");
}

}  // namespace
}  // namespace nibble::app
