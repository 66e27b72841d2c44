#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/command.h"

namespace nibble::app {
namespace {

TEST(Progress, IsPlainLinesWhereThereIsNoTerminal) {
  ::testing::internal::CaptureStderr();
  Globals globals;
  const auto progress = make_progress(globals);
  progress->begin("quantize", 3);
  progress->note("a note");
  progress->advance(3);
  progress->end();
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_THAT(text, ::testing::StartsWith("quantize\na note\n"));
  EXPECT_THAT(text, ::testing::Not(::testing::HasSubstr("\x1b"))) << "escape codes in a log";
}

TEST(Progress, IsSilentWhenQuiet) {
  ::testing::internal::CaptureStderr();
  Globals globals;
  globals.quiet = true;
  const auto progress = make_progress(globals);
  progress->begin("quantize", 3);
  progress->note("a note");
  progress->end();
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace nibble::app
