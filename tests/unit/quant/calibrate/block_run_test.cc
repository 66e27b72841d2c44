#include "quant/calibrate/block_run.h"

#include <gmock/gmock.h>

#include "quant/linear_algebra.h"
#include "quant/matrix.h"
#include "unit/quant/tiny_checkpoint.h"

namespace nibble::quant {
namespace {

using nibble::testing::TempFolder;

/// One layer by the run, and the same by hand from the first site.
TEST(BlockRun, SolvesEachWeightForTheInputsThatItWillSee) {
  const TempFolder folder;
  write_tiny_checkpoint(folder / "tiny");
  const auto checkpoint = io::open_checkpoint(folder / "tiny").take();
  const auto config = model::read_config(*checkpoint).take();
  const auto recipe = load_recipe("method=gptq,codec=int3g32a").take();
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
  const auto embedding = decode_matrix(
      model::load_weight(*checkpoint, config, "model.embed_tokens.weight").take(), pool);
  std::vector<float> hidden;
  for (const std::int32_t id : windows.ids) {
    hidden.insert(hidden.end(), embedding.begin() + id * 64, embedding.begin() + (id + 1) * 64);
  }
  std::vector<float> inner(32 * block.inner_cols());
  const BlockRows rows{{hidden.data(), 32, 64}, {inner.data(), 32, block.inner_cols()}, 8};
  std::size_t n_checked = 0;
  for (const Site site : kSites) {
    const auto x = block.reach(site, rows);
    std::vector<double> moment(x.cols * x.cols);
    const MatrixView<double> view(moment.data(), x.cols, x.cols);
    add_gram(x, view, pool);
    mirror_upper(view);
    for (const PlanRow& row : plan.rows) {
      const auto name = DecoderBlock::short_name(row.weight);
      if (std::ranges::count(linears_at(site), name) == 0) {
        continue;
      }
      const auto wanted =
          row.stage->solver
              ->solve({.weight = block.weight(name), .second_moment = view}, row.codec, pool)
              .matrix;
      EXPECT_EQ(codec::decode_all(run.find(row).value()), codec::decode_all(wanted)) << row.weight;
      block.set_weight(name, codec::decode_all(wanted));
      ++n_checked;
    }
  }
  EXPECT_EQ(n_checked, 7U);
}

}  // namespace
}  // namespace nibble::quant
