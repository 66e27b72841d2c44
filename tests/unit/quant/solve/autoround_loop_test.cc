#include "quant/solve/autoround_loop.h"

#include <gmock/gmock.h>

#include <limits>
#include <vector>

#include "base/error.h"

namespace nibble::quant {
namespace {

/// Gives the losses it is told to and remembers what happens.
class Recorded final : public TunedBlock {
 public:
  explicit Recorded(std::vector<double> losses) : losses_(std::move(losses)) {}
  double loss(std::span<const std::size_t> windows) override {
    drawn.emplace_back(windows.begin(), windows.end());
    return losses_[drawn.size() - 1];
  }
  void step(const StepSizes& sizes, Keep keep) override {
    steps.push_back(sizes);
    kept.push_back(keep == Keep::kYes);
  }
  void keep() override { is_last_kept = true; }

  std::vector<std::vector<std::size_t>> drawn;
  std::vector<StepSizes> steps;
  std::vector<bool> kept;
  bool is_last_kept = false;

 private:
  std::vector<double> losses_;
};

AutoroundTrace run(Recorded& block, const AutoroundSettings& settings, std::size_t layer = 0) {
  return autoround_steps(block, 10, layer, settings, [](double /*part*/) {});
}

TEST(AutoroundLoop, StepsShrinkAndTheLowestLossIsKept) {
  Recorded block({4, 3, 5, 2});
  const auto trace = run(block, {.iterations = 4, .batch = 2});
  EXPECT_EQ(trace.first_loss, 4);
  EXPECT_EQ(trace.best_loss, 2);
  EXPECT_EQ(trace.best_iteration, 3U);
  EXPECT_THAT(block.kept, ::testing::ElementsAre(true, true, false, true));
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_FLOAT_EQ(block.steps[i].rounding, 0.25F * (1.0F - 0.25F * static_cast<float>(i)));
    EXPECT_EQ(block.steps[i].range, block.steps[i].rounding);
  }
  EXPECT_FALSE(block.is_last_kept);
}

TEST(AutoroundLoop, EveryWindowComesBeforeAnyComesAgain) {
  Recorded block({1, 1, 1, 1, 1, 1});
  run(block, {.iterations = 6, .batch = 3});
  std::vector<std::size_t> first;
  for (std::size_t i = 0; i < 3; ++i) {
    first.insert(first.end(), block.drawn[i].begin(), block.drawn[i].end());
  }
  std::ranges::sort(first);
  EXPECT_EQ(std::ranges::adjacent_find(first), first.end()) << "9 of 10, then a new order";
}

TEST(AutoroundLoop, AnOrderFollowsFromSeedAndLayer) {
  Recorded a({1, 1}), b({1, 1}), other_layer({1, 1}), other_seed({1, 1});
  const AutoroundSettings settings{.iterations = 2, .batch = 4};
  run(a, settings);
  run(b, settings);
  run(other_layer, settings, 1);
  run(other_seed, {.iterations = 2, .batch = 4, .seed = 7});
  EXPECT_EQ(a.drawn, b.drawn);
  EXPECT_NE(a.drawn, other_layer.drawn);
  EXPECT_NE(a.drawn, other_seed.drawn);
}

TEST(AutoroundLoop, OnRequestTheLastStateIsKeptAndRangesStay) {
  Recorded block({1, 2});
  run(block,
      {.iterations = 2, .batch = 99, .rate = 0.5, .keeps_best = false, .tunes_range = false});
  EXPECT_TRUE(block.is_last_kept);
  EXPECT_EQ(block.drawn[0].size(), 10U);
  EXPECT_EQ(block.steps[0].rounding, 0.5F);
  EXPECT_EQ(block.steps[0].range, 0.0F);
}

TEST(AutoroundLoop, ALossThatIsNotFiniteIsRefused) {
  Recorded block({1, std::numeric_limits<double>::quiet_NaN()});
  EXPECT_THROW(run(block, {.iterations = 2}), Error);
}

}  // namespace
}  // namespace nibble::quant
