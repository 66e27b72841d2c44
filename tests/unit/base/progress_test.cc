#include "base/progress.h"

#include <gtest/gtest.h>

namespace nibble {
namespace {

TEST(SilentProgress, TakesEverythingAndSaysNothing) {
  ::testing::internal::CaptureStderr();
  ProgressSink& sink = silent_progress();
  sink.begin("stage", 2);
  sink.advance(1);
  sink.note("line");
  sink.end();
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(&sink, &silent_progress());
}

}  // namespace
}  // namespace nibble
