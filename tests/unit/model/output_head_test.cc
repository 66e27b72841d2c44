#include "model/output_head.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "io/checkpoint.h"
#include "model/load.h"
#include "unit/model/tiny_model.h"

namespace nibble::model {
namespace {

class HeadOfEachFamily : public ::testing::TestWithParam<const char*> {};

TEST_P(HeadOfEachFamily, AloneGivesTheLogitsOfTheWholeModel) {
  ThreadPool pool(2);
  const auto folder = testing::tiny_folder(GetParam());
  const auto checkpoint = io::open_checkpoint(folder).take();
  const ModelConfig config = read_config(*checkpoint).take();
  const auto model = build_model(*checkpoint, config, Arithmetic::kF32, pool, silent_progress());
  const auto head = load_output_head(folder, Arithmetic::kF32, pool);
  ASSERT_EQ(head->vocab(), config.vocab);
  EXPECT_GT(head->weight_bytes(), 0U);

  std::vector<float> hidden(3 * config.hidden);
  for (std::size_t i = 0; i < hidden.size(); ++i) {
    hidden[i] = static_cast<float>(i % 7) - 3;
  }
  const MatrixView<const float> x(hidden.data(), 3, config.hidden);
  std::vector<float> of_model(3 * config.vocab);
  std::vector<float> alone(3 * config.vocab);
  model->head(x, MatrixView<float>(of_model.data(), 3, config.vocab));
  head->apply(x, MatrixView<float>(alone.data(), 3, config.vocab));
  EXPECT_EQ(alone, of_model);

  std::vector<float> small(3 * (config.vocab - 1));
  EXPECT_THROW(head->apply(x, MatrixView<float>(small.data(), 3, config.vocab - 1)), Error);
}

INSTANTIATE_TEST_SUITE_P(Families,
                         HeadOfEachFamily,
                         ::testing::Values("llama3-scaled", "qwen3", "gemma3"));

}  // namespace
}  // namespace nibble::model
