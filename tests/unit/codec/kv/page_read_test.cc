#include "codec/kv/page_read.h"

#include <gmock/gmock.h>

#include <cstring>

#include "tensor/half.h"

namespace nibble::codec {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::FloatEq;

constexpr KvShape kShape{1, 16};

void put_halves(std::vector<std::uint8_t>& bytes, std::size_t at, float a, float b) {
  const std::uint16_t halves[2] = {f32_to_f16(a), f32_to_f16(b)};
  std::memcpy(bytes.data() + at, halves, sizeof halves);
}

TEST(PageRead, TokenGroupsByHand) {
  const KvFormat format{KvKind::kTokenGroups, 4};
  const KvLayout layout = kv_layout(format, kShape);
  EXPECT_EQ(layout.pairs, 64U * 8U);
  EXPECT_EQ(layout.n_bytes, 64U * 8U + 64U * 4U);
  std::vector<std::uint8_t> bytes(layout.n_bytes);
  bytes[3 * 8 + 1] = 0xA5;  // token 3: channel 2 has code 5, channel 3 code 10
  put_halves(bytes, layout.pairs + 3 * 4, 0.5F, -1.0F);
  std::vector<float> out(16);
  read_kv_block({format, kShape, bytes.data()}, nullptr, {0, 3, 1}, out.data());
  EXPECT_EQ(out[0], -1.0F);
  EXPECT_EQ(out[2], 1.5F);
  EXPECT_EQ(out[3], 4.0F);
}

TEST(PageRead, ChannelGroupsByHand) {
  const KvFormat format{KvKind::kChannelGroups, 2};
  const KvLayout layout = kv_layout(format, kShape);
  std::vector<std::uint8_t> bytes(layout.n_bytes);
  const std::size_t row = 16 + 7;  // channel 7 of the second group
  bytes[row * 8] = 0b11'10'01'00;  // tokens 32 to 35
  put_halves(bytes, layout.pairs + row * 4, 2.0F, 1.0F);
  std::vector<float> out(4 * 16);
  read_kv_block({format, kShape, bytes.data()}, nullptr, {0, 32, 4}, out.data());
  EXPECT_THAT((std::vector{out[7], out[16 + 7], out[32 + 7], out[48 + 7]}),
              ElementsAre(1.0F, 3.0F, 5.0F, 7.0F));
}

TEST(PageRead, ThreeBitLevelsByHandWithAnOutlier) {
  const KvFormat format{KvKind::kChannelLevels, 3};
  const KvLayout layout = kv_layout(format, kShape);
  KvTables tables;
  tables.key_levels = {-1, -0.5F, -0.25F, 0, 0.125F, 0.25F, 0.5F, 1};
  tables.key_limits.assign(16, {1.0F, 5.0F});
  tables = complete_tables(std::move(tables));
  std::vector<std::uint8_t> bytes(layout.n_bytes);
  bytes[9 * 24] = 0b11'101'110;  // channel 9: token 0 has code 6, token 1 code 5, token 2 code 7
  bytes[9 * 24 + 1] = 1;
  const std::uint16_t one = 1;
  for (std::size_t t = 4; t < kKvPageTokens; ++t) {
    std::memcpy(bytes.data() + layout.outliers + t * 2, &one, 2);
  }
  const KvOutlier outlier{2, f32_to_f16(-40.0F)};
  std::memcpy(bytes.data() + layout.outliers + kKvPageTokens * 2, &outlier, sizeof outlier);
  std::vector<float> out(6 * 16);
  read_kv_block({format, kShape, bytes.data()}, &tables, {0, 0, 6}, out.data());
  EXPECT_EQ(out[9], 4.0F);
  EXPECT_EQ(out[16 + 9], 3.5F);
  EXPECT_EQ(out[32 + 9], 5.0F);
  EXPECT_EQ(out[3 * 16 + 2], 1.0F);
  EXPECT_EQ(out[4 * 16 + 2], -40.0F);
  EXPECT_EQ(out[5 * 16 + 2], 1.0F);
}

}  // namespace
}  // namespace nibble::codec
