#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/app/help/small_program.h"

namespace nibble::app {
namespace {

using ::testing::ElementsAre;

TEST(CommandTree, TreeHasEveryCommandBehindItsParent) {
  const SmallProgram program;
  ASSERT_EQ(program.tree.size(), 3U);
  EXPECT_EQ(program.tree[0].path, "");
  EXPECT_EQ(program.tree[1].path, "rag");
  EXPECT_EQ(program.tree[2].path, "rag index");
  EXPECT_THAT(program.tree[1].commands, ElementsAre("index"));
}

TEST(CommandTree, OptionsSayWhatTheyTake) {
  const SmallProgram program;
  const OptionText& output = program.tree[2].options.back();
  EXPECT_THAT(output.names, ElementsAre("-o", "--output"));
  EXPECT_EQ(output.value, "TEXT");  // without its range
  const OptionText& quiet = program.tree[0].options.back();
  EXPECT_EQ(quiet.value, "");
}

}  // namespace
}  // namespace nibble::app
