#include "codec/kv/page_write.h"

#include <gmock/gmock.h>

#include <array>
#include <cmath>
#include <random>

#include "codec/kv/page_read.h"
#include "tensor/half.h"

namespace nibble::codec {
namespace {

using ::testing::FloatNear;
using ::testing::Pointwise;

constexpr KvShape kShape{2, 48};

std::vector<float> random_token(std::uint32_t seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> out(kShape.width());
  std::ranges::generate(out, [&] { return normal(random); });
  return out;
}

KvTables tables_of(std::size_t bits) {
  KvTables tables;
  const auto n = static_cast<float>(1U << bits);
  for (float i = 0; i < n; i += 1) {
    tables.key_levels.push_back((2 * i + 1) / n - 1);
    tables.value_levels.push_back(((2 * i + 1) / n - 1) * 0.9F);
  }
  for (std::size_t i = 0; i < kShape.width(); ++i) {
    tables.key_limits.push_back({-2.0F, 1.5F});
  }
  return complete_tables(std::move(tables));
}

/// A block with what nobody wrote in it.
class Block {
 public:
  explicit Block(KvFormat format)
      : bytes_(kv_layout(format, kShape).n_bytes, 0xA7), view_{format, kShape, bytes_.data()} {}
  [[nodiscard]] const KvBlock& view() const { return view_; }
  [[nodiscard]] std::vector<float> read(std::size_t head,
                                        std::size_t slot,
                                        const KvTables* tables = nullptr) const {
    std::vector<float> out(kShape.head_dim);
    read_kv_block({view_.format, kShape, bytes_.data()}, tables, {head, slot, 1}, out.data());
    return out;
  }

 private:
  std::vector<std::uint8_t> bytes_;
  KvBlock view_;
};

TEST(PageWrite, TokenGroupsAreThoseOfTheirGrids) {
  for (const std::size_t bits : {2U, 4U, 8U}) {
    const Block block({KvKind::kTokenGroups, bits});
    for (std::size_t slot = 0; slot < kKvPageTokens; ++slot) {
      write_token_groups(block.view(), random_token(static_cast<std::uint32_t>(slot)), slot);
    }
    for (const std::size_t slot : {0U, 17U, 63U}) {
      const auto x = random_token(static_cast<std::uint32_t>(slot));
      const std::span<const float> group = std::span(x).subspan(48 + 32, 16);  // head 1, ragged
      std::array<std::uint8_t, 16> codes{};
      const GroupGrid grid = code_group(group, bits, KvRounding::kHalf, codes);
      const auto got = block.read(1, slot);
      for (std::size_t i = 0; i < codes.size(); ++i) {
        EXPECT_EQ(got[32 + i], group_value(grid, codes[i])) << bits << " bits, slot " << slot;
      }
    }
  }
}

TEST(PageWrite, ChannelGroupsRunAlongTokens) {
  const Block block({KvKind::kChannelGroups, 4});
  std::vector<std::vector<float>> tokens;
  std::array<const float*, kKvGroup> rows;
  for (std::uint32_t t = 0; t < kKvGroup; ++t) {
    tokens.push_back(random_token(t));
    rows[t] = tokens[t].data();
  }
  write_channel_group(block.view(), rows, 1);
  const std::size_t channel = 48 + 5;
  std::array<float, kKvGroup> x;
  std::ranges::transform(tokens, x.begin(), [&](const auto& token) { return token[channel]; });
  std::array<std::uint8_t, kKvGroup> codes;
  const GroupGrid grid = code_group(x, 4, KvRounding::kHalf, codes);
  for (std::size_t t = 0; t < kKvGroup; ++t) {
    EXPECT_EQ(block.read(1, 32 + t)[5], group_value(grid, codes[t]));
  }
}

TEST(PageWrite, ChannelLevelsKeepWhatLiesOutside) {
  for (const std::size_t bits : {3U, 4U}) {
    const KvTables tables = tables_of(bits);
    const Block block({KvKind::kChannelLevels, bits});
    for (std::size_t slot = 0; slot < kKvPageTokens; ++slot) {
      std::vector<float> x(kShape.width(), 0.25F);
      x[slot] = 7.0F;
      write_channel_levels(block.view(), tables, x, slot);
    }
    const float step = 3.5F / static_cast<float>(1U << bits);
    for (std::size_t slot = 0; slot < kShape.head_dim; ++slot) {
      const auto got = block.read(0, slot, &tables);
      for (std::size_t d = 0; d < got.size(); ++d) {
        EXPECT_NEAR(got[d], d == slot ? 7.0F : 0.25F, d == slot ? 0.0F : step / 2 + 1e-5F);
      }
    }
  }
}

TEST(PageWrite, TokenLevelsFindLimitsInTheToken) {
  const KvTables tables = tables_of(4);
  const Block block({KvKind::kTokenLevels, 4});
  auto x = random_token(3);
  x[50] = 30.0F;
  x[7] = -20.0F;
  write_token_levels(block.view(), tables, x, 0);
  const auto low = block.read(0, 0, &tables);
  const auto high = block.read(1, 0, &tables);
  EXPECT_EQ(high[2], 30.0F);
  EXPECT_EQ(low[7], -20.0F);
  // Halves round an outlier only; the others lie on 16 levels over the remaining range.
  const KvSpan span = limits_of_token(x).limits.span();
  for (std::size_t d = 0; d < kShape.head_dim; ++d) {
    EXPECT_NEAR(low[d], x[d], span.half * 0.17F) << d;
  }
}

TEST(PageWrite, ASlotMayBeWrittenAgain) {
  const KvTables tables = tables_of(3);
  for (const KvKind kind : {KvKind::kChannelLevels, KvKind::kTokenLevels}) {
    const auto write = [&](const Block& block, std::uint32_t seed, std::size_t slot) {
      const auto x = random_token(seed);
      kind == KvKind::kChannelLevels ? write_channel_levels(block.view(), tables, x, slot)
                                     : write_token_levels(block.view(), tables, x, slot);
    };
    const Block once({kind, 3});
    const Block again({kind, 3});
    for (std::uint32_t slot = 0; slot < 40; ++slot) {
      write(once, slot, slot);
      write(again, slot < 20 ? slot : 900 + slot, slot);
    }
    for (std::uint32_t slot = 20; slot < 40; ++slot) {
      write(again, slot, slot);
    }
    for (std::size_t slot = 0; slot < 40; ++slot) {
      EXPECT_THAT(again.read(1, slot, &tables),
                  Pointwise(FloatNear(0.0F), once.read(1, slot, &tables)));
    }
  }
}

TEST(PageWrite, OutliersWithoutRoomAreCodedLikeOthers) {
  const KvTables tables = tables_of(4);
  const Block block({KvKind::kChannelLevels, 4});
  const std::vector<float> far(kShape.width(), 100.0F);
  for (std::size_t slot = 0; slot < kKvPageTokens; ++slot) {
    write_channel_levels(block.view(), tables, far, slot);
  }
  const std::size_t room = outlier_room(KvKind::kChannelLevels, kShape.width());
  EXPECT_EQ(room, 123U);
  EXPECT_EQ(block.read(0, 0, &tables)[0], 100.0F);
  EXPECT_EQ(block.read(0, 1, &tables)[26], 100.0F) << "entry 122, the last with room";
  const float top = tables.key_levels.back() * 1.75F - 0.25F;
  EXPECT_FLOAT_EQ(block.read(0, 1, &tables)[27], top);
  EXPECT_FLOAT_EQ(block.read(0, 63, &tables)[0], top);
}

}  // namespace
}  // namespace nibble::codec
