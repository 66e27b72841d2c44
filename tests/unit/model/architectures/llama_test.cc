#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "support/files.h"
#include "unit/model/model_runs.h"
#include "unit/model/tiny_model.h"

namespace nibble::model {
namespace {

using nibble::testing::demo_model;
using nibble::testing::golden;
using nibble::testing::other_model;
using testing::TestModel;

TEST(Llama, SmolLm2HasTheLogitsOfTheReference) {
  NIBBLE_NEEDS_FILE(path, demo_model());
  NIBBLE_NEEDS_FILE(expected, golden("engine/smollm2.json"));
  TestModel model(path);
  testing::expect_golden(model, expected, 1e-4);
}

TEST(Llama, SmolLm2GeneratesTheTokensOfTheReference) {
  NIBBLE_NEEDS_FILE(path, demo_model());
  NIBBLE_NEEDS_FILE(expected, golden("engine/smollm2.json"));
  TestModel model(path);
  testing::expect_golden_greedy(model, expected);
}

TEST(Llama, Qwen2HasTheLogitsOfTheReference) {
  NIBBLE_NEEDS_FILE(path, other_model("qwen2.5-coder-0.5b-q4_k_m.gguf"));
  NIBBLE_NEEDS_FILE(expected, golden("engine/qwen25.json"));
  TestModel model(path);
  testing::expect_golden(model, expected, 2e-4);
  testing::expect_golden_greedy(model, expected);
}

/// Tiny random models with what the real ones above lack.
class TinyLlama : public ::testing::TestWithParam<const char*> {};

TEST_P(TinyLlama, HasTheLogitsAndTokensOfTheReference) {
  const auto folder = testing::tiny_folder(GetParam());
  TestModel model(folder);
  testing::expect_golden(model, folder / "golden.json", 1e-4);
  testing::expect_golden_greedy(model, folder / "golden.json");
}

INSTANTIATE_TEST_SUITE_P(Families,
                         TinyLlama,
                         ::testing::Values("llama3-scaled", "mistral-window", "qwen2", "qwen3"),
                         [](const auto& test) {
                           std::string name = test.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace nibble::model
