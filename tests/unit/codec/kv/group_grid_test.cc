#include "codec/kv/group_grid.h"

#include <gmock/gmock.h>

#include <array>
#include <vector>

#include "support/quant_golden.h"

namespace nibble::codec {
namespace {

using nibble::testing::GoldenTensors;
using nibble::testing::quant_golden;
using ::testing::Each;
using ::testing::ElementsAre;

TEST(GroupGrid, WorkedExampleInTwoBits) {
  const std::vector<float> x = {-1.3F, -0.4F, 0.1F, 0.6F, 0.9F, 2.0F};
  std::vector<std::uint8_t> codes(x.size());
  const GroupGrid grid = code_group(x, 2, KvRounding::kFloat, codes);
  EXPECT_FLOAT_EQ(grid.min, -1.3F);
  EXPECT_FLOAT_EQ(grid.scale, 1.1F);
  EXPECT_THAT(codes, ElementsAre(0, 1, 1, 2, 2, 3));
  EXPECT_FLOAT_EQ(group_value(grid, 2), 0.9F);
}

TEST(GroupGrid, AConstantGroupIsKept) {
  const std::vector<float> x(32, 1.5F);
  std::vector<std::uint8_t> codes(x.size(), 7);
  const GroupGrid grid = code_group(x, 4, KvRounding::kHalf, codes);
  EXPECT_THAT(codes, Each(0));
  EXPECT_EQ(group_value(grid, 0), 1.5F);
}

TEST(GroupGrid, EightBitsAreWithinHalfAStep) {
  std::vector<float> x;
  for (int i = 0; i < 32; ++i) {
    x.push_back(static_cast<float>((i * 37) % 32) / 7.0F - 2.0F);
  }
  std::vector<std::uint8_t> codes(x.size());
  const GroupGrid grid = code_group(x, 8, KvRounding::kFloat, codes);
  for (std::size_t i = 0; i < x.size(); ++i) {
    EXPECT_NEAR(group_value(grid, codes[i]), x[i], grid.scale * 0.501F);
  }
}

constexpr std::size_t kHeads = 3;
constexpr std::size_t kHeadDim = 64;

/// One stored case: "kivi.int2.R32.fp16".
struct Case {
  std::string name;
  std::size_t bits;
  KvRounding rounding;
};

const Case kCases[] = {{"kivi.int2.R32.fp16", 2, KvRounding::kHalf},
                       {"kivi.int2.R32.fp32", 2, KvRounding::kFloat},
                       {"kivi.int4.R32.fp16", 4, KvRounding::kHalf},
                       {"kivi.int4.R32.fp32", 4, KvRounding::kFloat}};

/// Compares one group, element i of which lies at `at + i * stride` of `x` and `codes`.
void expect_group(const Case& one,
                  std::span<const float> group,
                  std::span<const float> codes,
                  float scale,
                  float min) {
  std::array<std::uint8_t, kKvGroup> got{};
  const GroupGrid grid = code_group(group, one.bits, one.rounding, got);
  ASSERT_EQ(grid.scale, scale) << one.name;
  ASSERT_EQ(grid.min, min) << one.name;
  for (std::size_t i = 0; i < kKvGroup; ++i) {
    ASSERT_EQ(got[i], codes[i]) << one.name << " element " << i;
  }
}

void expect_keys(const Case& one, const GoldenTensors& golden) {
  const auto& x = golden.at("k_post").values;  // [token, head, dim]
  const auto& codes = golden.at(one.name + ".k_code");
  const std::size_t n_tokens = codes.shape[2];
  const std::size_t n_groups = n_tokens / kKvGroup;
  for (std::size_t i = 0; i < kHeads * n_groups * kHeadDim; ++i) {
    const std::size_t head = i / (n_groups * kHeadDim);
    const std::size_t first = i / kHeadDim % n_groups * kKvGroup;
    const std::size_t dim = i % kHeadDim;
    std::array<float, kKvGroup> group{};
    std::array<float, kKvGroup> wanted{};
    for (std::size_t t = 0; t < kKvGroup; ++t) {
      group[t] = x[((first + t) * kHeads + head) * kHeadDim + dim];
      wanted[t] = codes.values[(head * n_tokens + first + t) * kHeadDim + dim];
    }
    expect_group(one,
                 group,
                 wanted,
                 golden.at(one.name + ".k_scale").values[i],
                 golden.at(one.name + ".k_min").values[i]);
  }
}

void expect_values(const Case& one, const GoldenTensors& golden) {
  const auto& x = golden.at("v").values;
  const auto& codes = golden.at(one.name + ".v_code");
  const std::size_t n_tokens = codes.shape[2];
  const std::size_t n_groups = kHeadDim / kKvGroup;
  for (std::size_t i = 0; i < kHeads * n_tokens * n_groups; ++i) {
    const std::size_t head = i / (n_tokens * n_groups);
    const std::size_t token = i / n_groups % n_tokens;
    const std::size_t dim = i % n_groups * kKvGroup;
    const float* const group = x.data() + (token * kHeads + head) * kHeadDim + dim;
    expect_group(one,
                 {group, kKvGroup},
                 std::span(codes.values).subspan((head * n_tokens + token) * kHeadDim + dim),
                 golden.at(one.name + ".v_scale").values[i],
                 golden.at(one.name + ".v_min").values[i]);
  }
}

TEST(GroupGrid, EqualsTheReferenceBitForBit) {
  const auto path = quant_golden("kv.safetensors");
  if (!path) {
    GTEST_SKIP() << "golden/quant/kv.safetensors is not here";
  }
  const GoldenTensors golden(*path);
  for (const Case& one : kCases) {
    expect_keys(one, golden);
    expect_values(one, golden);
  }
}

}  // namespace
}  // namespace nibble::codec
