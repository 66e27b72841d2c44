#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "support/files.h"

namespace nibble::app {
namespace {

using ::testing::HasSubstr;
using testing::run_program;

TEST(Program, WithoutACommandSaysWhatToType) {
  const auto result = run_program("");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("nibble --help"));
  EXPECT_EQ(result.out, "");
}

TEST(Program, SuggestsTheNearestCommand) {
  const auto result = run_program("quantise x");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("unknown command 'quantise' (did you mean 'quantize'?)"));
}

TEST(Program, UnknownOptionsPointAtTheCommandsHelp) {
  const auto result = run_program("recipes --no-such-option");
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_THAT(result.err, HasSubstr("nibble recipes --help"));
}

TEST(Program, ErrorsAreJsonOnRequest) {
  const auto result = run_program("--json inspect /no/such/model");
  EXPECT_EQ(result.exit_code, 3);
  const Json error = parse_json(result.err, "stderr").take();
  EXPECT_EQ(error["error"]["code"], "not_found");
  EXPECT_THAT(error["error"]["message"].get<std::string>(), HasSubstr("/no/such/model"));
}

TEST(Program, AFullDiskBehindStandardOutputIsAnError) {
  EXPECT_EQ(run_program("version >/dev/full; exit $?; :").exit_code, 5);
  EXPECT_EQ(run_program("--help >/dev/full; exit $?; :").exit_code, 5);
}

}  // namespace
}  // namespace nibble::app
