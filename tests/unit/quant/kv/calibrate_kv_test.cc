#include "quant/kv/calibrate_kv.h"

#include <gmock/gmock.h>

#include "support/files.h"

namespace nibble::quant {
namespace {

TEST(CalibrateKv, FitsEveryLayerOfATinyModel) {
  const auto checkpoint =
      io::open_checkpoint(nibble::testing::source_path("tests/golden/model/qwen3")).take();
  const model::ModelConfig config = model::read_config(*checkpoint).take();
  CalibrationWindows windows;
  windows.window = 32;
  for (std::int32_t i = 0; i < 96; ++i) {
    windows.ids.push_back(3 + i * 37 % 90);
  }
  ThreadPool pool(1);
  const codec::KvScheme& scheme = *codec::kv_scheme_from_name("kvquant-3").take();
  const auto tables = calibrate_kv(*checkpoint, config, windows, scheme, KvWeighing::kAlike, pool);
  ASSERT_EQ(tables.size(), config.n_layers);
  for (const codec::KvTables& layer : tables) {
    EXPECT_TRUE(codec::check_kv_tables(layer, {config.n_kv_heads, config.head_dim}, 3));
  }
  EXPECT_NE(tables[0].key_levels, tables[1].key_levels);
}

}  // namespace
}  // namespace nibble::quant
