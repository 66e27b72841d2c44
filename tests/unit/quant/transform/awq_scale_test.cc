#include "quant/transform/awq_scale.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "quant/recipe.h"
#include "unit/quant/transform/awq_block.h"

namespace nibble::quant {
namespace {

using nibble::testing::quant_golden;
using ::testing::HasSubstr;

std::vector<float> outputs_of_plain(ThreadPool& pool) {
  AwqBlock plain = small_awq_block(pool);
  return outputs_of(plain);
}

TEST(AwqScale, AgreesWithTheReferenceImplementation) {
  NIBBLE_NEEDS_FILE(path, quant_golden("awq.safetensors"));
  NIBBLE_NEEDS_FILE(sidecar, quant_golden("awq.json"));
  const auto groups = nlohmann::json::parse(nibble::testing::read_file(sidecar)).at("groups");
  const nibble::testing::GoldenTensors golden(path);
  ThreadPool pool(2);
  AwqBlock awq = golden_awq_block(path, pool);
  const std::vector<AwqScale> got = awq_scale(awq.input(), pool);
  // The scales of the file ask for means of |x| that differ by up to about 1 % from those of the
  // stored inputs (another program finds the same), hence the tolerances; the ratios are equal.
  const char* names[] = {"attn_in", "mlp_in", "down"};  // v is shared by heads, so none for o
  ASSERT_EQ(got.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    SCOPED_TRACE(names[i]);
    const auto& wanted = groups.at(names[i]);
    EXPECT_DOUBLE_EQ(static_cast<double>(got[i].best) / 20, wanted.at("best_ratio").get<double>());
    const auto losses = wanted.at("losses").get<std::vector<double>>();
    ASSERT_EQ(got[i].errors.size(), losses.size());
    for (std::size_t r = 0; r <= got[i].best + 2; ++r) {
      EXPECT_NEAR(got[i].errors[r], losses[r], 0.04 * losses[r]) << r;
    }
    const auto& scales = golden.at(std::string("scales.") + names[i]).values;
    for (std::size_t k = 0; k < scales.size(); ++k) {
      EXPECT_NEAR(got[i].scales[k], scales[k], 0.02F * scales[k]) << k;
    }
  }
}

TEST(AwqScale, LeavesTheFunctionOfTheBlockAndHelpsRounding) {
  ThreadPool pool(2);
  AwqBlock plain = small_awq_block(pool);
  AwqBlock scaled = small_awq_block(pool);
  const auto wanted = outputs_of(plain);
  const auto got = awq_scale(scaled.input(), pool);
  ASSERT_EQ(got.size(), 4U) << "v is not shared here, so o is scaled too";
  EXPECT_LT(mean_square_distance(outputs_of(scaled), wanted), 1e-10);
  round_block(plain, pool);
  round_block(scaled, pool);
  EXPECT_LT(mean_square_distance(outputs_of(scaled), wanted),
            mean_square_distance(outputs_of(plain), wanted));
  for (const AwqScale& group : got) {
    EXPECT_EQ(std::ranges::min_element(group.errors) - group.errors.begin(),
              static_cast<std::ptrdiff_t>(group.best));
  }
}

TEST(AwqScale, LeavesTheFunctionOfARotatedBlock) {
  ThreadPool pool(2);
  model::Runtime rotated;
  rotated.rotates_attended = rotated.rotates_gated = true;
  AwqBlock awq = small_awq_block(pool, rotated);
  const auto wanted = outputs_of(awq);
  EXPECT_GT(mean_square_distance(outputs_of_plain(pool), wanted), 1e-4);
  const auto got = awq_scale(awq.input(), pool);
  ASSERT_EQ(got.size(), 2U) << "what o and down read is mixed on its way";
  EXPECT_EQ(got[0].site, Site::kAttentionIn);
  EXPECT_EQ(got[1].site, Site::kMlpIn);
  EXPECT_LT(mean_square_distance(outputs_of(awq), wanted), 1e-10);
}

TEST(AwqScale, ComparesTheFirstWindowsAloneWhereItIsTold) {
  ThreadPool pool(2);
  AwqBlock whole = small_awq_block(pool);
  AwqBlock one = small_awq_block(pool);
  AwqBlock all = small_awq_block(pool);
  AwqBlock first = small_awq_block(pool);
  const auto hidden = first.tokens.hidden();
  first.tokens = BlockTokens({hidden.data, hidden.data + 8 * 32}, 32, 8);
  const auto everything = awq_scale(whole.input(), pool);
  const auto limited = awq_scale(one.input(), pool, {.search_windows = 1});
  ASSERT_EQ(limited.size(), everything.size());
  EXPECT_NE(limited[0].errors, everything[0].errors);
  EXPECT_NE(limited[0].errors, awq_scale(first.input(), pool)[0].errors) << "means are of all";
  EXPECT_EQ(awq_scale(all.input(), pool, {.search_windows = 3})[0].errors, everything[0].errors);
}

TEST(AwqScale, ComparesAsManyTokensAsAutoAwqUsuallyHas) {
  EXPECT_EQ(awq_search_tokens({}, 262'144, 2048), 65'536U);
  EXPECT_EQ(awq_search_tokens({}, 65'536, 512), 65'536U);
  EXPECT_EQ(awq_search_tokens({}, 4096, 512), 4096U);
  EXPECT_EQ(awq_search_tokens({}, 400'000, 100'000), 100'000U) << "a window at least";
  EXPECT_EQ(awq_search_tokens({.search_windows = 0}, 262'144, 2048), 262'144U);
  EXPECT_EQ(awq_search_tokens({.search_windows = 64}, 262'144, 2048), 131'072U);
}

TEST(AwqScale, LayersThatAreKeptAreNotScaled) {
  ThreadPool pool(1);
  AwqBlock awq = small_awq_block(pool);
  const auto before = outputs_of(awq);
  awq.codec = nullptr;
  EXPECT_TRUE(awq_scale(awq.input(), pool).empty());
  EXPECT_EQ(outputs_of(awq), before);
}

TEST(AwqScale, CodecsWithoutAnIntegerGridAreRefused) {
  const auto recipe = parse_recipe(
      "name = \"x\"\n[[stage]]\ntransform = \"awq_scale\"\n[[stage]]\nsolve = \"nearest\"\n"
      "scheme = { default = \"nf4b64\" }\n",
      "r.toml");
  ASSERT_FALSE(recipe);
  EXPECT_THAT(recipe.failure().message,
              HasSubstr("transform 'awq_scale' does not prepare for codec 'nf4b64'"));
}

}  // namespace
}  // namespace nibble::quant
