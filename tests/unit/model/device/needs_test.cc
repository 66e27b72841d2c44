#include "model/device/needs.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "io/checkpoint.h"
#include "kernels/fragments.h"
#include "model/weights.h"
#include "support/files.h"

namespace nibble::model {
namespace {

using nibble::testing::demo_model;

/// Bytes of a packed matrix as it really comes out.
std::size_t really_packed(const io::Checkpoint& checkpoint,
                          const ModelConfig& config,
                          const std::vector<std::string>& names,
                          ThreadPool& pool) {
  std::vector<codec::EncodedMatrix> sources;
  for (const std::string& name : names) {
    sources.push_back(load_weight(checkpoint, config, name).take());
  }
  return kernels::pack_fragments(sources, kernels::stacked_rows(sources), pool).n_bytes();
}

TEST(DeviceNeeds, CountsLayersAsTheyArePacked) {
  NIBBLE_NEEDS_FILE(path, demo_model());
  ThreadPool pool(2);
  const auto checkpoint = io::open_checkpoint(path).take();
  const ModelConfig config = read_config(*checkpoint).take();
  const DeviceNeeds needs = device_needs(*checkpoint, config, Arithmetic::kNative);
  ASSERT_EQ(needs.layer_bytes.size(), config.n_layers);
  const std::string of = "model.layers.1.";
  std::size_t n_bytes = 0;
  for (const std::vector<std::string>& names :
       {std::vector<std::string>{of + "self_attn.q_proj.weight",
                                 of + "self_attn.k_proj.weight",
                                 of + "self_attn.v_proj.weight"},
        {of + "self_attn.o_proj.weight"},
        {of + "mlp.gate_proj.weight", of + "mlp.up_proj.weight"},
        {of + "mlp.down_proj.weight"}}) {
    n_bytes += really_packed(*checkpoint, config, names, pool);
  }
  EXPECT_GE(needs.layer_bytes[1], n_bytes);
  EXPECT_LE(static_cast<double>(needs.layer_bytes[1]), 1.05 * static_cast<double>(n_bytes));
  EXPECT_EQ(needs.embedding_bytes, config.vocab * config.hidden * 2);
  EXPECT_GT(needs.head_bytes, config.vocab * config.hidden / 2);
}

ModelConfig seven_billion() {
  ModelConfig config;
  config.vocab = 32000;
  config.hidden = 4096;
  config.intermediate = 14336;
  config.n_layers = 32;
  config.n_heads = 32;
  config.n_kv_heads = 8;
  config.head_dim = 128;
  config.context = 32768;
  return config;
}

TEST(DeviceNeeds, CacheAndWorkAreThoseOfPassesOfTwoThousandTokens) {
  // Two sequences of 2,048 tokens, 128 KiB a token.
  EXPECT_EQ(planned_cache_bytes(seven_billion()), std::size_t{512} << 20);
  const std::size_t native = planned_work_bytes(seven_billion(), Arithmetic::kNative);
  EXPECT_GT(native, std::size_t{700} << 20);
  EXPECT_LT(native, std::size_t{1400} << 20);
  ModelConfig brief = seven_billion();
  brief.context = 256;
  EXPECT_LT(planned_work_bytes(brief, Arithmetic::kNative), native);
  EXPECT_EQ(planned_cache_bytes(brief), std::size_t{64} << 20);
}

TEST(DeviceNeeds, RefuseAWeightOfAnotherShape) {
  NIBBLE_NEEDS_FILE(path, demo_model());
  const auto checkpoint = io::open_checkpoint(path).take();
  ModelConfig config = read_config(*checkpoint).take();
  config.intermediate += 8;
  try {
    device_needs(*checkpoint, config, Arithmetic::kNative);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kShapeMismatch) << error.what();
    EXPECT_NE(std::string_view(error.what()).find("mlp.gate_proj.weight"), std::string_view::npos);
  }
}

}  // namespace
}  // namespace nibble::model
