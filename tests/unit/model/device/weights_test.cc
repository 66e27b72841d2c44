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

void expect_refusal(const ModelConfig& config, Arithmetic arithmetic, std::string_view what) {
  const auto checked = check_device_support(config, arithmetic);
  ASSERT_FALSE(checked) << what;
  EXPECT_EQ(checked.failure().code, ErrorCode::kUnsupported);
  EXPECT_NE(checked.failure().message.find(what), std::string::npos) << checked.failure().message;
}

TEST(DeviceSupport, NamesWhatAGpuDoesNotRun) {
  EXPECT_TRUE(check_device_support(supported_config(), Arithmetic::kNative));
  EXPECT_TRUE(check_device_support(supported_config(), Arithmetic::kDeterministic));
  EXPECT_TRUE(check_device_support(supported_config(), Arithmetic::kF32));
  ModelConfig config = supported_config();
  config.head_dim = 80;
  expect_refusal(config, Arithmetic::kNative, "heads of 80");
  config = supported_config();
  config.architecture = "gemma3";
  config.sandwich_norms = true;
  config.head_dim = 256;
  EXPECT_TRUE(check_device_support(config, Arithmetic::kNative));
  config = supported_config();
  config.n_heads = 130;
  config.n_kv_heads = 2;
  expect_refusal(config, Arithmetic::kNative, "groups of 65");
  config = supported_config();
  config.runtime.rotates_heads = true;
  EXPECT_TRUE(check_device_support(config, Arithmetic::kNative));
}

TEST(DeviceSupport, NamesWhatAGpuDoesNotRunInF32) {
  constexpr Arithmetic kExact = Arithmetic::kF32;
  ModelConfig config = supported_config();
  config.head_dim = 256;
  expect_refusal(config, kExact, "heads of 256 columns in f32");
  config = supported_config();
  config.architecture = "gemma3";
  config.sandwich_norms = true;
  expect_refusal(config, kExact, "gemma3 in f32");
  config = supported_config();
  config.attention_softcap = 50.0F;
  expect_refusal(config, kExact, "llama in f32");
  config = supported_config();
  config.runtime.rotates_heads = true;
  expect_refusal(config, kExact, "rotations or rounded activations in f32");
}

}  // namespace
}  // namespace nibble::model
