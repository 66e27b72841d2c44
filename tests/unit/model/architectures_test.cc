#include "model/architectures.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

namespace nibble::model {
namespace {

TEST(Architectures, EveryRowIsCompleteAndFound) {
  std::set<std::string_view> names;
  for (const Architecture& row : architecture_table()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_NE(row.build, nullptr) << row.name;
    EXPECT_EQ(find_architecture(row.name), &row);
    EXPECT_FALSE(row.hf_types.front().empty()) << row.name;
    for (const std::string_view type : row.hf_types) {
      EXPECT_TRUE(type.empty() || find_hf_architecture(type) == &row) << type;
    }
  }
}

TEST(Architectures, UnknownNamesHaveNoRow) {
  EXPECT_EQ(find_architecture("bert"), nullptr);
  EXPECT_EQ(find_hf_architecture(""), nullptr);
  EXPECT_EQ(architecture_names(), "llama, qwen2, qwen3, gemma3");
}

TEST(Architectures, AFamilySetsItsOwnTraits) {
  ModelConfig config;
  config.hidden = 640;
  apply_family(*find_architecture("gemma3"), config);
  EXPECT_TRUE(config.qk_norm && config.sandwich_norms && !config.qkv_bias);
  EXPECT_EQ(config.embedding_scale, std::sqrt(640.0F));
  EXPECT_EQ(config.activation, ops::GateActivation::kGeluTanh);
  apply_family(*find_hf_architecture("mistral"), config);
  EXPECT_FALSE(config.qk_norm || config.sandwich_norms || config.qkv_bias);
  EXPECT_EQ(config.embedding_scale, 1.0F);
}

}  // namespace
}  // namespace nibble::model
