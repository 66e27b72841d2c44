#include "app/exit_code.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "support/files.h"

namespace nibble::app {
namespace {

TEST(ExitCode, IsTheDocumentedOneForEachKindOfFailure) {
  EXPECT_EQ(exit_code(ErrorCode::kInternal), 1);
  EXPECT_EQ(exit_code(ErrorCode::kInvalidArgument), 2);
  EXPECT_EQ(exit_code(ErrorCode::kNotFound), 3);
  EXPECT_EQ(exit_code(ErrorCode::kCorruptData), 3);
  EXPECT_EQ(exit_code(ErrorCode::kUnsupported), 3);
  EXPECT_EQ(exit_code(ErrorCode::kShapeMismatch), 3);
  EXPECT_EQ(exit_code(ErrorCode::kOutOfMemory), 4);
  EXPECT_EQ(exit_code(ErrorCode::kDevice), 4);
  EXPECT_EQ(exit_code(ErrorCode::kIo), 5);
  EXPECT_EQ(exit_code(ErrorCode::kMismatch), 8);
  EXPECT_EQ(exit_code(ErrorCode::kCancelled), 130);
}

TEST(ExitCode, TheGuideHasARowForEach) {
  const std::string page = testing::read_file(testing::source_path("docs/guide/exit-codes.md"));
  int before = -1;
  for (const ExitCodeRow& row : exit_code_table()) {
    EXPECT_GT(row.code, before);
    before = row.code;
    const bool is_signal = row.code == kInterrupted || row.code == kTerminated;
    EXPECT_THAT(page,
                ::testing::HasSubstr(is_signal ? std::string("| 130 / 143 |")
                                               : "| " + std::to_string(row.code) + " | "));
  }
}

}  // namespace
}  // namespace nibble::app
