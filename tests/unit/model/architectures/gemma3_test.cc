#include <gtest/gtest.h>

#include "support/files.h"
#include "unit/model/model_runs.h"

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

}  // namespace
}  // namespace nibble::model
