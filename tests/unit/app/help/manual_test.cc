#include "app/help/manual.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "support/files.h"
#include "unit/app/help/small_program.h"

namespace nibble::app {
namespace {

using ::testing::HasSubstr;
using testing::run_program;

TEST(Manual, ManualKeepsHyphensAndLeadingDots) {
  const SmallProgram program;
  const std::string page = manual_page(program.tree, "1.0");
  EXPECT_THAT(page, HasSubstr(".SS nibble rag index\n"));
  EXPECT_THAT(page, HasSubstr("\\fB\\-o\\fR, \\fB\\-\\-output\\fR \\fITEXT\\fR\n\\&.rag file\n"));
}

TEST(Manual, NamesEveryCommandAndExitStatus) {
  const std::string page = run_program("manual").out;
  for (const char* command : {"study", "store merge", "pull", "recommend", "report", "rag index"}) {
    EXPECT_THAT(page, HasSubstr(std::string(".SS nibble ") + command + "\n"));
  }
  for (const char* option : {"part", "collect", "jobs", "unit", "parts"}) {
    EXPECT_THAT(page, HasSubstr(std::string("\\fB\\-\\-") + option + "\\fR"));
  }
  EXPECT_THAT(page, HasSubstr(".SH EXIT STATUS\n"));
  EXPECT_THAT(page, HasSubstr(".TP\n9\nincomplete: parts of a study are missing\n"));
}

TEST(Manual, IsReadWithoutComplaint) {
  if (std::system("groff --version >/dev/null 2>&1") != 0) {
    GTEST_SKIP() << "needs groff";
  }
  const testing::TempFolder folder;
  testing::write_file(folder / "nibble.1", run_program("manual").out);
  const std::string command = "groff -Kutf8 -Tutf8 -man -ww -z " + (folder / "nibble.1").string() +
                              " 2> " + (folder / "complaints").string();
  EXPECT_EQ(std::system(command.c_str()), 0);
  EXPECT_EQ(testing::read_file(folder / "complaints"), "");
}

}  // namespace
}  // namespace nibble::app
