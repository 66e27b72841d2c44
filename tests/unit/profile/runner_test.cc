#include "profile/runner.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "model/load.h"
#include "profile/measure.h"
#include "support/files.h"

namespace nibble::profile {
namespace {

TEST(Runner, SequencesGoOnSideBySide) {
  NIBBLE_NEEDS_FILE(path, nibble::testing::demo_model());
  ThreadPool pool(1);
  const auto loaded =
      model::load_model(path, {Arithmetic::kNative, false}, pool, silent_progress()).take();
  const auto prompt = fixed_prompt(4, loaded.model->config().vocab);
  Runner runner(*loaded.model, 3, 7);
  runner.prompt(prompt);
  runner.step();
  runner.step();
  EXPECT_THROW(Runner(*loaded.model, 1, 2).prompt(std::vector<text::TokenId>{-1}), Error);
}

TEST(Stopwatch, Goes) {
  const Stopwatch time;
  const double first = time.milliseconds();
  EXPECT_GE(first, 0);
  EXPECT_GE(time.milliseconds(), first);
}

}  // namespace
}  // namespace nibble::profile
