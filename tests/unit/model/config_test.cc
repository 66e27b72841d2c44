#include "model/config.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "unit/model/fake_checkpoint.h"
#include "unit/model/tiny_model.h"

namespace nibble::model {
namespace {

TEST(Config, IsReadFromEitherContainer) {
  const auto folder = io::open_checkpoint(testing::tiny_folder("gemma3")).take();
  const ModelConfig config = read_config(*folder).take();
  EXPECT_EQ(config.architecture, "gemma3");
  EXPECT_EQ(config.final_softcap, 8.0F);

  const testing::FakeCheckpoint gguf(io::Container::kGguf, {{"general.architecture", "x"}});
  EXPECT_EQ(read_config(gguf).failure().code, ErrorCode::kUnsupported);
}

TEST(Config, LayersThatTheConfigurationLeavesOutAreRefused) {
  for (const char* name : {"blk.2.ffn_up.weight", "model.layers.2.mlp.up_proj.weight"}) {
    const bool gguf = std::string_view(name).starts_with("blk");
    testing::FakeCheckpoint checkpoint(gguf ? io::Container::kGguf : io::Container::kHuggingFace,
                                       gguf ? Json{{"general.architecture", "llama"},
                                                   {"llama.embedding_length", 4},
                                                   {"llama.feed_forward_length", 4},
                                                   {"llama.block_count", 2},
                                                   {"llama.attention.head_count", 1},
                                                   {"llama.context_length", 8},
                                                   {"llama.attention.layer_norm_rms_epsilon", 1e-5}}
                                            : Json{{"model_type", "llama"},
                                                   {"vocab_size", 2},
                                                   {"hidden_size", 4},
                                                   {"intermediate_size", 4},
                                                   {"num_hidden_layers", 2},
                                                   {"num_attention_heads", 1},
                                                   {"max_position_embeddings", 8}});
    checkpoint.add("token_embd.weight", 2, 4, std::vector<float>(8));
    EXPECT_TRUE(read_config(checkpoint)) << read_config(checkpoint).failure().message;
    checkpoint.add(name, 1, 4, std::vector<float>(4));
    const auto refused = read_config(checkpoint);
    ASSERT_FALSE(refused) << name;
    EXPECT_EQ(refused.failure().code, ErrorCode::kCorruptData);
    EXPECT_NE(refused.failure().message.find("has 2 layers, but there is a tensor '"),
              std::string::npos)
        << refused.failure().message;
  }
}

TEST(Config, CountsParameters) {
  ModelConfig config;
  config.architecture = "llama";
  config.vocab = 10;
  config.hidden = 4;
  config.intermediate = 6;
  config.n_layers = 2;
  config.n_heads = 2;
  config.n_kv_heads = 1;
  config.head_dim = 2;
  // A layer: q 16, k 8, v 8, o 16, three of 24 in the MLP, two norms of 4.
  constexpr std::size_t kLayer = 16 + 8 + 8 + 16 + 3 * 24 + 2 * 4;
  EXPECT_EQ(config.n_parameters(), 2 * 40 + 2 * kLayer + 4);
  config.tied_embeddings = true;
  EXPECT_EQ(config.n_parameters(), 40 + 2 * kLayer + 4);
  config.qkv_bias = true;
  EXPECT_EQ(config.n_parameters(), 40 + 2 * (kLayer + 4 + 2 + 2) + 4);
}

}  // namespace
}  // namespace nibble::model
