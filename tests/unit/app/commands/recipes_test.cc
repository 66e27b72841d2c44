#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "support/files.h"

namespace nibble::app {
namespace {

using ::testing::HasSubstr;

TEST(Recipes, ListsTheBuiltIns) {
  const auto shown = testing::run_program("recipes");
  EXPECT_EQ(shown.exit_code, 0);
  for (const char* name : {"rtn-int8",
                           "rtn-int4",
                           "rtn-int3",
                           "nf4 ",
                           "nf4-dq",
                           "fp4",
                           "hqq-int4",
                           "hqq-int3",
                           "hqq-int2"}) {
    EXPECT_THAT(shown.out, HasSubstr(name));
  }
  const auto json = nlohmann::json::parse(testing::run_program("recipes --json").out);
  ASSERT_GE(json.size(), 9U);
  EXPECT_EQ(json[0].at("sha256").get<std::string>().size(), 64U);
}

TEST(Recipes, ShowsOneInAFormThatCanBeUsedAsAFile) {
  const auto shown = testing::run_program("recipes nf4-dq");
  EXPECT_EQ(shown.exit_code, 0);
  EXPECT_THAT(shown.out, HasSubstr("name = \"nf4-dq\""));
  const testing::TempFolder folder;
  testing::write_file(folder / "copy.toml", shown.out);
  EXPECT_EQ(testing::run_program("recipes " + (folder / "copy.toml").string()).out, shown.out);
}

TEST(Recipes, UnknownNameIsRejected) {
  const auto shown = testing::run_program("recipes nf4-qd");
  EXPECT_EQ(shown.exit_code, 3);
  EXPECT_THAT(shown.err, HasSubstr("no recipe 'nf4-qd'"));
  EXPECT_EQ(shown.out, "");
}

}  // namespace
}  // namespace nibble::app
