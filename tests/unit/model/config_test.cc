#include "model/config.h"

#include <gtest/gtest.h>

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
