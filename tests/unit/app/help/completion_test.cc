#include "app/help/completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "support/files.h"
#include "unit/app/help/small_program.h"

namespace nibble::app {
namespace {

using ::testing::HasSubstr;
using testing::run_program;

TEST(Completion, CompletionOffersCommandsAndOptionsOfTheProgram) {
  const SmallProgram program;
  const std::string script = bash_completion(program.tree);
  EXPECT_THAT(script, HasSubstr("'rag') offered='index -h --help -q --quiet' ;;"));
  EXPECT_THAT(zsh_completion(program.tree), HasSubstr("#compdef nibble\n"));
}

TEST(Completion, RunsInBash) {
  if (std::system("bash -c true >/dev/null 2>&1") != 0) {
    GTEST_SKIP() << "needs bash";
  }
  const testing::TempFolder folder;
  testing::write_file(folder / "completion", run_program("completion bash").out);
  testing::write_file(folder / "try", R"(source "$1"
COMP_WORDS=(nibble rag in) COMP_CWORD=2; _nibble; echo "${COMPREPLY[*]}"
COMP_WORDS=(nibble quantize --pl) COMP_CWORD=2; _nibble; echo "${COMPREPLY[*]}"
COMP_WORDS=(nibble recomm) COMP_CWORD=1; _nibble; echo "${COMPREPLY[*]}"
)");
  const std::string command = "bash " + (folder / "try").string() + " " +
                              (folder / "completion").string() + " > " + (folder / "out").string();
  ASSERT_EQ(std::system(command.c_str()), 0);
  EXPECT_EQ(testing::read_file(folder / "out"), "index\n--plan\nrecommend\n");
}

TEST(Completion, KnowsNoOtherShell) {
  EXPECT_EQ(run_program("completion tcsh").exit_code, 2);
}

}  // namespace
}  // namespace nibble::app
