#include "quant/kv/kv_gradients.h"

#include <gmock/gmock.h>

#include <cmath>

#include "quant/kv/calibrate_kv.h"
#include "support/quant_golden.h"

namespace nibble::quant {
namespace {

/// What torch's autograd gives for one layer: tests/golden/scripts/make_kv_gradients.py.
struct Case {
  const char* model;
  std::size_t layer;
};

class KvGradients : public ::testing::TestWithParam<Case> {
 protected:
  void SetUp() override {
    const auto tensors = nibble::testing::golden("quant/kv_gradients.safetensors");
    const auto path = nibble::testing::golden(std::string("model/") + GetParam().model);
    if (!path || !tensors) {
      GTEST_SKIP() << "needs tests/golden";
    }
    golden_.emplace(*tensors);
    checkpoint_ = io::open_checkpoint(*path).take();
    config_ = model::read_config(*checkpoint_).take();
    windows_.window = 32;
    windows_.n_windows = 2;
    for (const float id : golden("ids")) {
      windows_.ids.push_back(static_cast<std::int32_t>(id));
    }
  }
  const std::vector<float>& golden(std::string_view name) const {
    return golden_->at(fmt::format("{}.{}.{}", GetParam().model, GetParam().layer, name)).values;
  }

  std::optional<nibble::testing::GoldenTensors> golden_;
  std::unique_ptr<io::Checkpoint> checkpoint_;
  model::ModelConfig config_;
  CalibrationWindows windows_;
};

void expect_near(MatrixView<const float> got,
                 const std::vector<float>& wanted,
                 bool is_square,
                 const char* what) {
  ASSERT_EQ(got.rows * got.cols, wanted.size()) << what;
  float widest = 0;
  for (const float w : wanted) {
    widest = std::max(widest, std::fabs(w));
  }
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const float x = got(i / got.cols, i % got.cols);
    ASSERT_NEAR(
        is_square ? std::sqrt(x) : x, is_square ? std::fabs(wanted[i]) : wanted[i], 2e-4F * widest)
        << what << " " << i;
  }
}

TEST_P(KvGradients, OfTorchAreTheSame) {
  ThreadPool pool(2);
  std::vector<std::size_t> seen;
  const double loss =
      for_each_layer_backwards(*checkpoint_, config_, windows_, pool, [&](const auto& kv) {
        seen.push_back(kv.layer);
        if (kv.layer == GetParam().layer) {
          expect_near(kv.k, golden("k"), false, "keys");
          expect_near(kv.v, golden("v"), false, "values");
          expect_near(kv.k_square, golden("k_gradient"), true, "gradients of keys");
          expect_near(kv.v_square, golden("v_gradient"), true, "gradients of values");
        }
      });
  EXPECT_NEAR(loss, double{golden("loss")[0]} / 62, 1e-4);
  ASSERT_EQ(seen.size(), config_.n_layers);
  EXPECT_EQ(seen.front(), config_.n_layers - 1);
  EXPECT_EQ(seen.back(), 0U);
}

TEST_P(KvGradients, MakeOtherTablesTheSameForAnyNumberOfThreads) {
  const codec::KvScheme& scheme = *codec::kv_scheme_from_name("kvquant-3").take();
  const auto tables = [&](KvWeighing weighing, std::size_t n_threads) {
    ThreadPool pool(n_threads);
    return calibrate_kv(*checkpoint_, config_, windows_, scheme, weighing, pool);
  };
  const auto weighed = tables(KvWeighing::kGradients, 1);
  const auto alike = tables(KvWeighing::kAlike, 1);
  const auto again = tables(KvWeighing::kGradients, 2);
  ASSERT_EQ(weighed.size(), config_.n_layers);
  for (std::size_t l = 0; l < weighed.size(); ++l) {
    EXPECT_EQ(weighed[l].key_levels, again[l].key_levels);
    EXPECT_EQ(weighed[l].value_levels, again[l].value_levels);
    EXPECT_NE(weighed[l].key_levels, alike[l].key_levels);
    for (std::size_t i = 0; i < alike[l].key_limits.size(); ++i) {
      EXPECT_NEAR(weighed[l].key_limits[i].upper, alike[l].key_limits[i].upper, 1e-4F);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Models,
                         KvGradients,
                         ::testing::Values(Case{"gemma3", 0}, Case{"qwen2", 0}, Case{"qwen3", 1}),
                         [](const auto& row) { return std::string(row.param.model); });

}  // namespace
}  // namespace nibble::quant
