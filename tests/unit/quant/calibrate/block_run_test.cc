#include "quant/calibrate/block_run.h"

#include <gmock/gmock.h>

#include "quant/linear_algebra.h"
#include "quant/matrix.h"
#include "unit/quant/tiny_checkpoint.h"

namespace nibble::quant {
namespace {

using nibble::testing::TempFolder;

/// One layer by the run, and the same by hand from the first site: the block that is quantized, and
/// beside it the original one.
void compare_with_walk_by_hand(std::string_view recipe_text) {
  const TempFolder folder;
  write_tiny_checkpoint(folder / "tiny");
  const auto checkpoint = io::open_checkpoint(folder / "tiny").take();
  const auto config = model::read_config(*checkpoint).take();
  const auto recipe = load_recipe(recipe_text).take();
  const auto plan = make_plan(recipe, *checkpoint).take();
  CalibrationWindows windows{4, 8, {}, "", ""};
  for (std::int32_t i = 0; i < 32; ++i) {
    windows.ids.push_back(i * 5 % 32);
  }
  ThreadPool pool(2);
  BlockRun run({*checkpoint, config, plan, windows, folder / "job"}, pool, silent_progress());
  run.run();
  EXPECT_EQ(run.reports().size(), 7U);
  EXPECT_TRUE(std::filesystem::exists(folder / "job" / "block-0000" / "config.json"));

  auto block = DecoderBlock::load(*checkpoint, config, 0, pool);
  auto original = DecoderBlock::load(*checkpoint, config, 0, pool);
  const auto embedding = decode_matrix(
      model::load_weight(*checkpoint, config, "model.embed_tokens.weight").take(), pool);
  std::vector<float> hidden;
  for (const std::int32_t id : windows.ids) {
    hidden.insert(hidden.end(), embedding.begin() + id * 64, embedding.begin() + (id + 1) * 64);
  }
  std::vector<float> inner(32 * block.inner_cols());
  std::vector<float> hidden_there = hidden;
  std::vector<float> inner_there(inner.size());
  const BlockRows rows{{hidden.data(), 32, 64}, {inner.data(), 32, block.inner_cols()}, 8};
  const BlockRows there{
      {hidden_there.data(), 32, 64}, {inner_there.data(), 32, block.inner_cols()}, 8};
  std::size_t n_checked = 0;
  for (const Site site : kSites) {
    const auto x = block.reach(site, rows);
    InputStatistics inputs({.second_moment = true, .cross_moment = true}, x.cols);
    inputs.add(x, pool);
    inputs.add_original(original.reach(site, there), x, pool);
    inputs.finish();
    for (const PlanRow& row : plan.rows) {
      const auto name = DecoderBlock::short_name(row.weight);
      if (std::ranges::count(linears_at(site), name) == 0) {
        continue;
      }
      const auto wanted =
          row.stage->solver->solve(inputs.solve_input(block.weight(name)), row.codec, pool).matrix;
      EXPECT_EQ(codec::decode_all(run.find(row).value()), codec::decode_all(wanted)) << row.weight;
      block.set_weight(name, codec::decode_all(wanted));
      ++n_checked;
    }
  }
  EXPECT_EQ(n_checked, 7U);
}

TEST(BlockRun, SolvesEachWeightForTheInputsThatItWillSee) {
  compare_with_walk_by_hand("method=gptq,codec=int3g32a");
}

TEST(BlockRun, MakesUpForWhatTheOriginalBlockHasMore) {
  compare_with_walk_by_hand("method=gptq,codec=int3g32a,asymmetry=0.5");
}

}  // namespace
}  // namespace nibble::quant
