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

TEST(Progress, TellsHoursOnlyWhereThereAreAny) {
  EXPECT_EQ(time_text(0), "00:00");
  EXPECT_EQ(time_text(545), "09:05");
  EXPECT_EQ(time_text(3599), "59:59");
  EXPECT_EQ(time_text(3774), "1:02:54");
  EXPECT_EQ(time_text(90000), "25:00:00");
}

}  // namespace
}  // namespace nibble::app
