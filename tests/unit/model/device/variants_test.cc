// Small random models of every kind that a GPU runs beside the plain ones, against the same models
// on the host in float32: a prompt, then tokens one by one over the end of a page.
#include <gtest/gtest.h>

#include <algorithm>

#include "model/attention_mass.h"
#include "support/gpu.h"
#include "unit/model/device/random_model.h"
#include "unit/model/device/side.h"

namespace nibble::model {
namespace {

using testing::random_tokens;
using testing::RandomSide;
using testing::relative_error;
using testing::small_random_config;

constexpr std::size_t kPrompt = 140, kAll = 150;

/// How far the logits of a prompt and of tokens behind it may be from the host's.
void expect_host_logits(const ModelConfig& config,
                        ops::Device& gpu,
                        double tolerance,
                        std::string_view kv = {}) {
  for (const Arithmetic arithmetic : {Arithmetic::kNative, Arithmetic::kDeterministic}) {
    RandomSide host(config, Arithmetic::kF32, "cpu", kv);
    RandomSide device(config, arithmetic, gpu.name(), kv);
    const auto tokens = random_tokens(kAll, config.vocab);
    const SequenceId on_host = host.cache().create(), on_device = device.cache().create();
    for (std::size_t first = 0; first < kAll; first += first == 0 ? kPrompt : 1) {
      const auto part = std::span(tokens).subspan(first, first == 0 ? kPrompt : 1);
      const auto wanted = host.logits({on_host, part});
      const auto got = device.logits({on_device, part});
      ASSERT_LT(relative_error(got, wanted), tolerance)
          << arithmetic_name(arithmetic) << ", " << kv << ", from token " << first;
    }
  }
}

ModelConfig gemma_config() {
  ModelConfig config = small_random_config(256);
  config.architecture = "gemma3";
  config.tied_embeddings = true;
  config.qk_norm = true;
  config.sandwich_norms = true;
  config.embedding_scale = 11.3125F;
  config.attention_softcap = 20.0F;
  config.final_softcap = 15.0F;
  config.activation = ops::GateActivation::kGeluTanh;
  config.sliding_window = 50;
  config.sliding_layers = {1, 0};
  config.rope_local_theta = 10000.0F;
  config.rope_theta = 1000000.0F;
  return config;
}

TEST(DeviceVariants, PlainModel) {
  NIBBLE_NEEDS_GPU(gpu);
  expect_host_logits(small_random_config(64), gpu, 5e-3);
  expect_host_logits(small_random_config(128), gpu, 5e-3);
}

TEST(DeviceVariants, Rotations) {
  NIBBLE_NEEDS_GPU(gpu);
  for (const std::size_t head_dim : {64U, 128U}) {
    ModelConfig config = small_random_config(head_dim);
    config.runtime.rotates_heads = true;
    expect_host_logits(config, gpu, 5e-3);
    expect_host_logits(config, gpu, 5e-2, "int4");
    expect_host_logits(config, gpu, 5e-2, "kivi-4");
    config.n_heads = 6;  // 12 in the base across heads
    config.n_kv_heads = 3;
    config.runtime.rotates_attended = config.runtime.rotates_gated = true;
    expect_host_logits(config, gpu, 5e-3);
  }
}

TEST(DeviceVariants, RoundedActivations) {
  NIBBLE_NEEDS_GPU(gpu);
  ModelConfig config = small_random_config(64);
  config.runtime.activations = {.bits = 8, .clip = 0.95F, .outliers = 3.0F};
  expect_host_logits(config, gpu, 3e-2);
  config.runtime.rotates_heads = config.runtime.rotates_attended = config.runtime.rotates_gated =
      true;
  config.runtime.activations = {.bits = 8};
  expect_host_logits(config, gpu, 3e-2);
}

TEST(DeviceVariants, CodedKeysAndValues) {
  NIBBLE_NEEDS_GPU(gpu);
  for (const std::string_view kv : {"int8", "int4", "kivi-4", "kivi-2", "kvquant-4", "kvquant-3"}) {
    for (const std::size_t head_dim : {64U, 128U, 256U}) {
      expect_host_logits(small_random_config(head_dim), gpu, kv == "int8" ? 1e-2 : 1e-1, kv);
    }
  }
}

TEST(DeviceVariants, Gemma3) {
  NIBBLE_NEEDS_GPU(gpu);
  expect_host_logits(gemma_config(), gpu, 5e-3);
  expect_host_logits(gemma_config(), gpu, 1e-2, "int8");
  ModelConfig config = gemma_config();
  config.head_dim = 128;
  expect_host_logits(config, gpu, 5e-3);
}

/// More heads share keys and values than a narrow tile has rows.
TEST(DeviceVariants, LargeGroups) {
  NIBBLE_NEEDS_GPU(gpu);
  ModelConfig config = small_random_config(64);
  config.n_heads = 48;
  expect_host_logits(config, gpu, 5e-3);
  expect_host_logits(config, gpu, 1e-2, "int8");
}

/// Masses of heads of 256 columns with soft limits and a window.
TEST(DeviceVariants, MassesOfGemma3) {
  NIBBLE_NEEDS_GPU(gpu);
  const ModelConfig config = gemma_config();
  RandomSide host(config, Arithmetic::kF32, "cpu");
  RandomSide device(config, Arithmetic::kNative, gpu.name());
  const auto tokens = random_tokens(kAll, config.vocab);
  const AttentionProbe probe{.rows = {70, kAll - 1}, .spans = {{0, 30}, {30, 64}, {64, 1000}}};
  AttentionMass wanted(config, probe), got(config, probe);
  static_cast<void>(host.logits({host.cache().create(), tokens, &wanted}));
  static_cast<void>(device.logits({device.cache().create(), tokens, &got}));
  ASSERT_EQ(got.n_rows(), 2U);
  for (std::size_t row = 0; row < got.n_rows(); ++row) {
    for (std::size_t i = 0; i < got.row_size(); ++i) {
      ASSERT_NEAR(got.of_row(row)[i], wanted.of_row(row)[i], 5e-3F) << row << ", " << i;
    }
  }
}

}  // namespace
}  // namespace nibble::model
