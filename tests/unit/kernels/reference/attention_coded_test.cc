#include "kernels/reference/attention_coded.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "codec/kv/page_write.h"

namespace nibble::kernels::reference {
namespace {

/// Two tokens of one head of 16 on 8-bit grids: scores of 0 and ln 3 give weights of 1/4 and 3/4.
TEST(CodedAttention, TwoTokensByHand) {
  constexpr codec::KvFormat kFormat{codec::KvKind::kTokenGroups, 8};
  constexpr codec::KvShape kShape{1, 16};
  const std::size_t n_bytes = codec::kv_layout(kFormat, kShape).n_bytes;
  std::vector<std::uint8_t> keys(n_bytes);
  std::vector<std::uint8_t> values(n_bytes);
  std::vector<float> x(16);
  const codec::KvBlock key_block{kFormat, kShape, keys.data()};
  const codec::KvBlock value_block{kFormat, kShape, values.data()};
  codec::write_token_groups(key_block, x, 0);
  x[3] = 1.0F;
  codec::write_token_groups(key_block, x, 1);
  codec::write_token_groups(value_block, std::vector<float>(16, 4.0F), 0);
  codec::write_token_groups(value_block, std::vector<float>(16, 8.0F), 1);
  std::vector<float> q(16);
  q[3] = std::log(3.0F);
  std::vector<float> out(16);
  const KvPage page{keys.data(), values.data()};
  AttentionTask task;
  task.q = q.data();
  task.out = out.data();
  task.n_queries = 1;
  task.n_heads = 1;
  task.head_dim = 16;
  task.first_position = 1;
  task.pages = &page;
  task.page_tokens = 64;
  CodedKv kv;
  kv.keys = kv.values = kFormat;
  kv.shape = kShape;
  attention_coded(task, kv);
  for (const float value : out) {
    EXPECT_NEAR(value, 7.0F, 1e-3F) << "the scale of a key is a half";
  }
}

}  // namespace
}  // namespace nibble::kernels::reference
