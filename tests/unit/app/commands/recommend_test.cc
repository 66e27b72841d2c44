#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "support/files.h"
#include "unit/report/advice/advice_store.h"

namespace nibble::app {
namespace {

using ::testing::HasSubstr;

class RecommendCommand : public ::testing::Test {
 protected:
  RecommendCommand() { report::advice_store(folder_ / "study.db"); }
  testing::CommandResult run(const std::string& options) {
    return testing::run_program("recommend " + folder_.path().string() + " " + options);
  }
  testing::TempFolder folder_;
};

TEST_F(RecommendCommand, RecommendsWithReasons) {
  const auto result = run("--memory 42MB --ttft-p95 200ms");
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("Deploy small."));
  EXPECT_THAT(result.out, HasSubstr("failed     peak memory: 45.00 MB; accepted: 42.00 MB"));
}

TEST_F(RecommendCommand, NotDecidableHasAStatusOfItsOwn) {
  const auto result = run("--memory 35MB --json");
  EXPECT_EQ(result.exit_code, 10);
  const auto json = nlohmann::json::parse(result.out);
  EXPECT_EQ(json["status"], "undecided");
  EXPECT_TRUE(json["winner"].is_null());
}

TEST_F(RecommendCommand, EverythingOutHasAStatusOfItsOwn) {
  const auto result = run("--max-loss 60% --memory 1MB --tasks choice");
  EXPECT_EQ(result.exit_code, 10);  // of "missing" nothing is known
  const auto out = run("--max-loss 60% --decode 1us --json");
  EXPECT_EQ(nlohmann::json::parse(out.out)["variants"][0]["verdict"], "out");
}

TEST_F(RecommendCommand, BadLimitsAreUsageAndUnknownTasksInput) {
  EXPECT_EQ(run("--memory 8").exit_code, 2);
  EXPECT_THAT(run("--memory 8").err, HasSubstr("--memory: '8', wanted an amount with its unit"));
  EXPECT_EQ(run("--prefer beauty").exit_code, 2);
  EXPECT_EQ(run("--max-loss choice:x").exit_code, 2);
  const auto unknown = run("--tasks choise");
  EXPECT_EQ(unknown.exit_code, 3);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean 'choice'"));
  EXPECT_EQ(testing::run_program("recommend " + (folder_ / "no.db").string()).exit_code, 3);
}

}  // namespace
}  // namespace nibble::app
