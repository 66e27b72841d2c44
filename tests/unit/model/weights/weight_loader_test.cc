#include "model/weights/weight_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/progress.h"
#include "unit/model/fake_checkpoint.h"

namespace nibble::model {
namespace {

class WeightLoaderTest : public ::testing::Test {
 protected:
  WeightLoaderTest() {
    config_.architecture = "qwen2";
    config_.hidden = 2;
    file_.add("model.layers.1.self_attn.q_proj.weight", 3, 2, {1, 2, 3, 4, 5, 6});
    file_.add("model.layers.1.self_attn.q_proj.bias", 1, 3, {10, 20, 30});
    file_.add("model.layers.1.input_layernorm.weight", 1, 2, {0.5F, 2});
  }

  testing::FakeCheckpoint file_{io::Container::kHuggingFace, Json::object()};
  ModelConfig config_;
  ThreadPool pool_{1};
  WeightLoader weights_{file_, config_, Arithmetic::kF32, pool_, silent_progress()};
};

TEST_F(WeightLoaderTest, MakesLinearLayersWithAndWithoutBias) {
  const std::vector<float> x = {1, 1};
  std::vector<float> y(3);
  const std::string stem = "model.layers.1.self_attn.q_proj";
  weights_.linear(stem, 3, 2).apply({x.data(), 1, 2}, {y.data(), 1, 3}, pool_);
  EXPECT_THAT(y, ::testing::ElementsAre(3, 7, 11));
  weights_.linear(stem, 3, 2, true).apply({x.data(), 1, 2}, {y.data(), 1, 3}, pool_);
  EXPECT_THAT(y, ::testing::ElementsAre(13, 27, 41));
  EXPECT_EQ(file_.n_releases(), 2) << "what is packed need not stay in memory";
}

TEST_F(WeightLoaderTest, ReadsVectors) {
  EXPECT_THAT(weights_.norm(1, "input_layernorm"), ::testing::ElementsAre(0.5F, 2));
}

TEST_F(WeightLoaderTest, AShapeThatTheConfigurationDoesNotWantIsRefusedWithBoth) {
  try {
    static_cast<void>(weights_.matrix("model.layers.1.self_attn.q_proj.weight", 3, 4));
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kShapeMismatch);
    EXPECT_STREQ(error.what(),
                 "fake: model.layers.1.self_attn.q_proj.weight: the configuration wants [3, 4], "
                 "the file has [3, 2]");
  }
}

TEST_F(WeightLoaderTest, AMissingWeightIsNamed) {
  try {
    static_cast<void>(weights_.norm(0, "input_layernorm"));
    FAIL() << "expected an error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_THAT(error.what(), ::testing::HasSubstr("model.layers.0.input_layernorm.weight"));
  }
}

}  // namespace
}  // namespace nibble::model
