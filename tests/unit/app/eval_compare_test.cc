#include "app/eval_compare.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "unit/eval/results/logged_files.h"

namespace nibble::app {
namespace {

using eval::logged_line;
using eval::write_logged_run;
using ::testing::HasSubstr;
using testing::run_program;
using testing::TempFolder;

class EvalCompare : public ::testing::Test {
 protected:
  EvalCompare() {
    for (std::size_t i = 0; i < 10; ++i) {
      before_ += logged_line(i, "acc", i < 8 ? "1.0" : "0.0");
      after_ += logged_line(i, "acc", i < 7 ? "0.0" : "1.0", "q");
    }
    write_logged_run(folder_ / "a", "t", before_, R"({"max_length": 2048, "model_name": "a"})");
    write_logged_run(folder_ / "b", "t", after_, R"({"max_length": 1024, "model_name": "b"})");
  }
  [[nodiscard]] std::string arguments() const {
    return "eval --compare " + (folder_ / "a").string() + " " + (folder_ / "b").string();
  }
  TempFolder folder_;
  std::string before_, after_;
};

TEST_F(EvalCompare, SaysWhatDiffersBeforeTheNumbers) {
  const auto result = run_program(arguments());
  ASSERT_EQ(result.exit_code, 0) << result.err;
  EXPECT_THAT(result.out, HasSubstr("Conditions differ:\nmax_length: '2048' and '1024'\n"));
  EXPECT_THAT(result.out, ::testing::Not(HasSubstr("model_name")));
  // 7 lost, 2 gained: p = 2 (1 + 9 + 36) / 512.
  EXPECT_THAT(result.out, HasSubstr("0.1797"));
  EXPECT_THAT(result.out, HasSubstr("7/2"));
  EXPECT_THAT(result.out, HasSubstr("t: 10 of 10 documents were asked in other words"));
}

TEST_F(EvalCompare, JsonHasEveryNumber) {
  const auto json = nlohmann::json::parse(run_program(arguments() + " --json").out);
  EXPECT_EQ(json.at("comparable"), false);
  const auto& row = json.at("metrics").at(0);
  EXPECT_EQ(row.at("n"), 10);
  EXPECT_NEAR(row.at("difference").get<double>(), -0.5, 1e-12);
  EXPECT_NEAR(row.at("flips").get<double>(), 0.9, 1e-12);
  EXPECT_EQ(row.at("p_test"), "mcnemar_exact");
  EXPECT_GT(row.at("n_needed").get<std::size_t>(), 10U);
}

TEST_F(EvalCompare, NeedsTwoRunsAndNoModel) {
  EXPECT_EQ(run_program("eval --compare one").exit_code, 2);
  EXPECT_EQ(run_program(arguments() + " -t arc_easy").exit_code, 2);
  EXPECT_EQ(run_program("eval").exit_code, 2);
  EXPECT_EQ(run_program("eval --compare nowhere nothing").exit_code, 3);
}

}  // namespace
}  // namespace nibble::app
