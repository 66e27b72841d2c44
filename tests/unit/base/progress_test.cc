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

class CountingSink final : public ProgressSink {
 public:
  void begin(std::string_view /*stage*/, std::uint64_t /*total*/) override {}
  void advance(std::uint64_t steps) override { n += steps; }
  void end() override {}
  void note(std::string_view line) override { notes += line; }

  std::uint64_t n = 0;
  std::string notes;
};

TEST(PartProgress, StepsOfTheFirstStageAreAShareOfTheWhole) {
  CountingSink whole;
  {
    PartProgress part(whole, 30);
    part.begin("blocks", 4);
    part.advance(1);
    EXPECT_EQ(whole.n, 7U);
    part.advance(2);
    EXPECT_EQ(whole.n, 22U);
    part.note("a line");
    part.end();
    part.begin("another stage", 10);
    part.advance(10);
    EXPECT_EQ(whole.n, 22U);
  }
  EXPECT_EQ(whole.n, 30U);
  EXPECT_EQ(whole.notes, "a line");
}

TEST(PartProgress, MoreStepsThanAnnouncedAndNoneAtAll) {
  CountingSink whole;
  {
    PartProgress part(whole, 5);
    part.begin("blocks", 1);
    part.advance(3);
    EXPECT_EQ(whole.n, 5U);
  }
  { const PartProgress part(whole, 5); }
  EXPECT_EQ(whole.n, 10U);
}

}  // namespace
}  // namespace nibble
