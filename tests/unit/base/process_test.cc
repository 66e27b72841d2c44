#include "base/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace nibble {
namespace {

using ::testing::HasSubstr;

ProcessResult run(std::vector<std::string> arguments) {
  return run_process(arguments).take();
}

TEST(Process, BothStreamsAndTheStatusComeBack) {
  const ProcessResult result = run({"sh", "-c", "echo out; echo err >&2; exit 3"});
  EXPECT_EQ(result.status, 3);
  EXPECT_EQ(result.out, "out\n");
  EXPECT_EQ(result.err, "err\n");
}

TEST(Process, ArgumentsAreNotSplit) {
  EXPECT_EQ(run({"printf", "%s|", "a b", "$HOME", "'"}).out, "a b|$HOME|'|");
}

TEST(Process, MuchTextOnBothStreamsComesWhole) {
  const ProcessResult result =
      run({"sh", "-c", "head -c 300000 /dev/zero >&2; head -c 300000 /dev/zero"});
  EXPECT_EQ(result.out.size(), 300'000U);
  EXPECT_EQ(result.err.size(), 300'000U);
}

TEST(Process, ItsInputIsEmptyAndASignalIsSeen) {
  EXPECT_EQ(run({"cat"}).out, "");
  EXPECT_EQ(run({"sh", "-c", "kill -9 $$"}).status, 128 + 9);
}

TEST(Process, AProgramThatIsNotThereIsNamed) {
  const std::vector<std::string> absent = {"no-such-program-of-any-kind"};
  EXPECT_THAT(run_process(absent).failure().message, HasSubstr("no-such-program-of-any-kind"));
}

}  // namespace
}  // namespace nibble
