#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "unit/eval/results/logged_files.h"

namespace nibble::app {
namespace {

using eval::write_logged_run;
using ::testing::HasSubstr;
using testing::run_program;
using testing::TempFolder;

TEST(Conditions, ExitStatusSaysWhetherRunsMayBeCompared) {
  const TempFolder folder;
  write_logged_run(folder / "a", "t", "", R"({"max_length": 2048, "model_name": "a"})");
  write_logged_run(folder / "b", "t", "", R"({"max_length": 2048, "model_name": "b"})");
  write_logged_run(folder / "c", "t", "", R"({"max_length": 1024, "model_name": "b"})");
  const auto run = [&](const char* a, const char* b, const char* more = "") {
    return run_program("conditions " + (folder / a).string() + " " + (folder / b).string() + more);
  };
  const auto same = run("a", "b");
  EXPECT_EQ(same.exit_code, 0);
  EXPECT_THAT(same.out, HasSubstr("(judged) model_name: 'a' and 'b'"));
  EXPECT_THAT(same.out, HasSubstr("Nothing differs besides what is judged."));
  const auto other = run("b", "c");
  EXPECT_EQ(other.exit_code, 8);
  EXPECT_THAT(other.out, HasSubstr("max_length: '2048' and '1024'"));
  const auto json = nlohmann::json::parse(run("b", "c", " --json").out);
  EXPECT_EQ(json.at("comparable"), false);
  EXPECT_EQ(json.at("differences").at(0).at("key"), "max_length");
}

TEST(Conditions, NamesWhatIsMissing) {
  const auto result = run_program("conditions nowhere nothing");
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_THAT(result.err, HasSubstr("nowhere"));
}

}  // namespace
}  // namespace nibble::app
