#include "model/device/weights.h"

#include <gtest/gtest.h>

namespace nibble::model {
namespace {

ModelConfig supported_config() {
  ModelConfig config;
  config.architecture = "llama";
  config.hidden = 512;
  config.intermediate = 1024;
  config.n_heads = 8;
  config.n_kv_heads = 2;
  config.head_dim = 64;
  return config;
}

void expect_refusal(const ModelConfig& config,
                    std::string_view what,
                    Arithmetic arithmetic = Arithmetic::kNative) {
  const auto checked = check_device_support(config, arithmetic);
  ASSERT_FALSE(checked) << what;
  EXPECT_EQ(checked.failure().code, ErrorCode::kUnsupported);
  EXPECT_NE(checked.failure().message.find(what), std::string::npos) << checked.failure().message;
}

TEST(DeviceSupport, NamesWhatAGpuDoesNotRun) {
  EXPECT_TRUE(check_device_support(supported_config(), Arithmetic::kF32));
  ModelConfig config = supported_config();
  config.head_dim = 80;
  expect_refusal(config, "heads of 80");
  config = supported_config();
  config.architecture = "gemma3";
  config.sandwich_norms = true;
  config.head_dim = 256;
  EXPECT_TRUE(check_device_support(config, Arithmetic::kNative));
  expect_refusal(config, "the architecture gemma3 in f32", Arithmetic::kF32);
  config = supported_config();
  config.n_heads = 130;
  config.n_kv_heads = 2;
  expect_refusal(config, "groups of 65");
  config = supported_config();
  config.runtime.rotates_heads = true;
  EXPECT_TRUE(check_device_support(config, Arithmetic::kNative));
  expect_refusal(config, "rotations or rounded activations in f32", Arithmetic::kF32);
}

}  // namespace
}  // namespace nibble::model
