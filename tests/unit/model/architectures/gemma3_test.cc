#include <gtest/gtest.h>

#include "support/files.h"
#include "unit/model/model_runs.h"
#include "unit/model/tiny_model.h"

namespace nibble::model {
namespace {

using nibble::testing::golden;
using nibble::testing::other_model;
using testing::TestModel;

TEST(Gemma3, HasTheLogitsOfTheReference) {
  NIBBLE_NEEDS_FILE(path, other_model("gemma-3-270m-q4_k_m.gguf"));
  NIBBLE_NEEDS_FILE(expected, golden("engine/gemma3.json"));
  TestModel model(path);
  testing::expect_golden(model, expected, 2e-4);
  testing::expect_golden_greedy(model, expected);
}

/// Short windows, soft limits, a scaled global and an unscaled local rotation.
TEST(Gemma3, TinyModelHasTheLogitsAndTokensOfTheReference) {
  const auto folder = testing::tiny_folder("gemma3");
  TestModel model(folder);
  testing::expect_golden(model, folder / "golden.json", 1e-4);
  testing::expect_golden_greedy(model, folder / "golden.json");
}

}  // namespace
}  // namespace nibble::model
