#include "quant/solve/autoround.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>

#include "base/cancel.h"
#include "codec/codecs.h"
#include "quant/matrix.h"
#include "quant/recipe.h"
#include "unit/quant/tiny_checkpoint.h"

namespace nibble::quant {
namespace {

using nibble::testing::TempFolder;
using ::testing::HasSubstr;

constexpr std::size_t kWindow = 8;
constexpr std::size_t kTokens = 12 * kWindow;

/// A tiny block with inputs, its own outputs as targets, and a codec for all its linear layers.
class Autoround : public ::testing::Test {
 protected:
  explicit Autoround(std::string_view codec = "int3g32s") {
    write_tiny_checkpoint(folder_ / "tiny");
    const auto checkpoint = io::open_checkpoint(folder_ / "tiny").take();
    const auto config = model::read_config(*checkpoint).take();
    block_.emplace(DecoderBlock::load(*checkpoint, config, 0, pool_));
    std::mt19937 random(5);
    std::normal_distribution<float> normal;
    inputs_.resize(kTokens * config.hidden);
    std::ranges::generate(inputs_, [&] { return normal(random); });
    targets_ = outputs(*block_);
    for (const Site site : kSites) {
      for (const std::string_view name : linears_at(site)) {
        weights_.push_back({name, codec::codec_from_name(codec).take()});
      }
    }
  }

  std::vector<float> outputs(DecoderBlock& block) {
    std::vector<float> out = inputs_;
    std::vector<float> inner(kTokens * block.inner_cols());
    const BlockRows rows{{out.data(), kTokens, inputs_.size() / kTokens},
                         {inner.data(), kTokens, block.inner_cols()},
                         kWindow};
    for (const Site site : kSites) {
      block.reach(site, rows);
    }
    block.leave(rows);
    return out;
  }

  BlockSolveInput input() {
    const std::size_t cols = inputs_.size() / kTokens;
    return {.block = *block_,
            .inputs = {inputs_.data(), kTokens, cols},
            .targets = {targets_.data(), kTokens, cols},
            .window = kWindow,
            .weights = weights_};
  }

  AutoroundResult solve(const AutoroundSettings& settings, std::size_t n_threads = 2) {
    ThreadPool pool(n_threads);
    return autoround(input(), settings, pool, [&](double part) { done_.push_back(part); });
  }

  /// The mean square error of the block with these codes.
  double error(const AutoroundResult& result) {
    DecoderBlock block = *block_copy();
    for (std::size_t i = 0; i < weights_.size(); ++i) {
      const auto w = block.weight(weights_[i].name);
      const auto& format = *codec::int_group_format(*weights_[i].codec);
      block.set_weight(
          weights_[i].name,
          codec::decode_all(codec::pack_int_group(format, w.rows, w.cols, result.codes[i])));
    }
    const auto got = outputs(block);
    double sum = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
      const double d = static_cast<double>(got[i]) - static_cast<double>(targets_[i]);
      sum += d * d;
    }
    return sum / static_cast<double>(got.size());
  }

  std::optional<DecoderBlock> block_copy() {
    const auto checkpoint = io::open_checkpoint(folder_ / "tiny").take();
    const auto config = model::read_config(*checkpoint).take();
    return DecoderBlock::load(*checkpoint, config, 0, pool_);
  }

  const TempFolder folder_;
  ThreadPool pool_{1};  // a test forks
  std::optional<DecoderBlock> block_;
  std::vector<float> inputs_, targets_;
  std::vector<BlockWeight> weights_;
  std::vector<double> done_;
};

TEST_F(Autoround, BringsTheBlockCloserThanRoundingDoes) {
  const double rounded = error(solve({.iterations = 0}));
  const auto result = solve({.iterations = 60, .batch = 4});
  EXPECT_LT(error(result), 0.7 * rounded);
  EXPECT_LT(result.best_loss, result.first_loss);
  EXPECT_EQ(done_.size(), 60U);
  EXPECT_DOUBLE_EQ(done_.back(), 1.0);
}

TEST_F(Autoround, TheFirstLossIsThatOfRounding) {
  const double rounded = error(solve({.iterations = 0}));
  const auto result = solve({.iterations = 1, .batch = 12});  // one batch of all windows
  EXPECT_NEAR(result.first_loss, rounded, 1e-5 * rounded);
  EXPECT_EQ(result.best_loss, result.first_loss);
  EXPECT_NEAR(error(result), rounded, 1e-6 * rounded) << "the only state whose loss is known";
}

TEST_F(Autoround, RangesAreTunedUnlessTheyAreNotToBe) {
  const auto offsets_only = solve({.iterations = 60, .batch = 12, .tunes_range = false});
  const auto both = solve({.iterations = 60, .batch = 12});
  EXPECT_NE(offsets_only.codes[0].scales, both.codes[0].scales);
  EXPECT_EQ(offsets_only.codes[0].scales, solve({.iterations = 0}).codes[0].scales);
}

TEST_F(Autoround, TheLastStateIsKeptOnRequest) {
  const auto first = solve({.iterations = 1, .batch = 12, .rate = 0.3});
  const auto last = solve({.iterations = 1, .batch = 12, .rate = 0.3, .keeps_best = false});
  EXPECT_EQ(first.codes[0].codes, solve({.iterations = 0}).codes[0].codes);
  EXPECT_NE(last.codes[0].codes, first.codes[0].codes);
}

TEST_F(Autoround, DependsOnTheSeedAndNotOnThreads) {
  const AutoroundSettings settings{.iterations = 8, .batch = 3};
  const auto a = solve(settings, 1);
  const auto b = solve(settings, 3);
  AutoroundSettings other = settings;
  other.seed = 7;
  const auto c = solve(other);
  EXPECT_EQ(a.best_loss, b.best_loss);
  EXPECT_NE(a.first_loss, c.first_loss);
  for (std::size_t i = 0; i < a.codes.size(); ++i) {
    EXPECT_EQ(a.codes[i].codes, b.codes[i].codes);
    EXPECT_EQ(a.codes[i].scales, b.codes[i].scales);
  }
}

TEST_F(Autoround, WeightsThatAreNotAskedForStayAsTheyAre) {
  weights_ = {weights_.back()};
  const auto result = solve({.iterations = 20, .batch = 12});
  ASSERT_EQ(result.codes.size(), 1U);
  EXPECT_LT(result.best_loss, result.first_loss);
}

TEST_F(Autoround, StopsBetweenSteps) {
  // The flag is the process's and cannot be lowered, so this happens in a child; one thread, because
  // a fork has no other.
  EXPECT_EXIT(
      {
        cancel_flag().request();
        try {
          solve({.iterations = 2}, 1);
        } catch (const Error& error) {
          std::_Exit(error.code() == ErrorCode::kCancelled ? 7 : 1);
        }
      },
      ::testing::ExitedWithCode(7),
      "");
}

TEST_F(Autoround, WhatIsNotFiniteIsRefused) {
  targets_[3] = std::numeric_limits<float>::infinity();
  try {
    solve({.iterations = 2, .batch = 12});
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("layer 0: the block's outputs are not finite"));
  }
}

TEST(AutoroundRecipe, SaysItsSettings) {
  const auto recipe = load_recipe("method=autoround,codec=int4g128sh,iterations=50").take();
  EXPECT_THAT(recipe.text, HasSubstr("iterations = 50\nbatch = 8\nrate = 0.02\nkeep = \"best\"\n"));
  ASSERT_TRUE(recipe.calibration);
  EXPECT_NE(recipe.stages.front().solver->block_solver(), nullptr);
  EXPECT_THAT(load_recipe("method=autoround,codec=int4g64fh").failure().message,
              HasSubstr("cannot write codec 'int4g64fh'"));
  EXPECT_THAT(load_recipe("method=autoround,codec=int4g64pa").failure().message,
              HasSubstr("cannot write codec 'int4g64pa'"));
  EXPECT_THAT(load_recipe("method=autoround,codec=int4g128s,batch=0").failure().message,
              HasSubstr("expected 1 to"));
  EXPECT_THAT(load_recipe("method=autoround,codec=int4g128s,keep=first").failure().message,
              HasSubstr("expected one of: best, last"));
  EXPECT_THAT(load_recipe("method=autoround,codec=int4g128s,rate=2").failure().message,
              HasSubstr("expected a number from 0 to 1"));
}

}  // namespace
}  // namespace nibble::quant
