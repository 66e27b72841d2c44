#include "quant/transform/awq_clip.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "unit/quant/transform/awq_block.h"

namespace nibble::quant {
namespace {

using nibble::testing::quant_golden;

TEST(AwqClip, AgreesWithTheReferenceImplementation) {
  NIBBLE_NEEDS_FILE(path, quant_golden("awq.safetensors"));
  NIBBLE_NEEDS_FILE(sidecar, quant_golden("awq.json"));
  const auto json = nlohmann::json::parse(nibble::testing::read_file(sidecar));
  const nibble::testing::GoldenTensors golden(path);
  ThreadPool pool(2);
  AwqBlock awq = golden_awq_block(path, pool);
  const auto original = outputs_of(awq);
  scale_like_reference(awq, golden);
  const auto limits = awq_clip(awq.input(), pool);
  ASSERT_EQ(limits.size(), 5U);
  // The reference ran on a CPU, where the inputs of v, gate and up are one array with those of
  // their neighbours and were divided by the scales two or three times; their limits cannot agree.
  for (const std::string stem : {"self_attn.o_proj", "mlp.down_proj"}) {
    SCOPED_TRACE(stem);
    const auto& got = limits.at(stem + ".weight");
    const auto& wanted = golden.at("clip_max." + stem).values;
    ASSERT_EQ(got.size(), wanted.size());
    std::size_t n_equal = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
      n_equal += std::fabs(got[i] - wanted[i]) <= 1e-4F * wanted[i] ? 1 : 0;
    }
    EXPECT_GE(static_cast<double>(n_equal), 0.97 * static_cast<double>(got.size()));
  }
  const auto& format = *codec::int_group_format(*awq.codec);
  const std::pair<std::string, double> equal_codes[] = {{"self_attn.k_proj", 0.999},
                                                        {"mlp.down_proj", 0.996}};
  for (const auto& [stem, share] : equal_codes) {
    SCOPED_TRACE(stem);
    const auto& codes = golden.at("codes." + stem);
    const auto w = awq.block.weight(stem + ".weight").rows_from(0, codes.rows());
    const auto got = nearest_int_group(w, format, RangeRule::kRaw, pool);
    std::size_t n_equal = 0;
    for (std::size_t i = 0; i < codes.values.size(); ++i) {
      n_equal += static_cast<float>(got.codes[i]) == codes.values[i] ? 1 : 0;
    }
    EXPECT_GE(static_cast<double>(n_equal), share * static_cast<double>(codes.values.size()));
  }
  round_block(awq, pool);
  EXPECT_LE(mean_square_distance(outputs_of(awq), original),
            json.at("block_output_mse").at("awq").get<double>());
}

TEST(AwqClip, LowersWidestWeightsOnlyAndLeavesQueriesAndKeys) {
  ThreadPool pool(1);
  AwqBlock awq = small_awq_block(pool);
  AwqBlock before = small_awq_block(pool);
  const auto limits = awq_clip(awq.input(), pool);
  EXPECT_FALSE(limits.contains("self_attn.q_proj.weight"));
  EXPECT_FALSE(limits.contains("self_attn.k_proj.weight"));
  std::size_t n_clipped = 0;
  for (const auto& [name, limit] : limits) {
    const auto w = awq.block.weight(name);
    const auto old = before.block.weight(name);
    for (std::size_t r = 0; r < w.rows; ++r) {
      for (std::size_t c = 0; c < w.cols; ++c) {
        const float most = limit[r * (w.cols / 16) + c / 16];
        ASSERT_EQ(w(r, c), std::clamp(old(r, c), -most, most));
        n_clipped += w(r, c) != old(r, c) ? 1 : 0;
      }
    }
  }
  EXPECT_GT(n_clipped, 0U);
}

}  // namespace
}  // namespace nibble::quant
