#include "app/commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <CLI/CLI.hpp>

namespace nibble::app {
namespace {

TEST(Commands, EachHasAnOwnNameAndASummary) {
  CLI::App root;
  Invocation invocation;
  for (const AddCommand add : command_table()) {
    add(root, invocation);
  }
  const auto commands = root.get_subcommands({});
  EXPECT_EQ(commands.size(), command_table().size());
  std::vector<std::string> names;
  for (const CLI::App* command : commands) {
    EXPECT_NE(command->get_description(), "") << command->get_name();
    names.push_back(command->get_name());
  }
  EXPECT_THAT(names, ::testing::IsSupersetOf({"study", "quantize", "eval", "score", "tokenize"}));
}

}  // namespace
}  // namespace nibble::app
