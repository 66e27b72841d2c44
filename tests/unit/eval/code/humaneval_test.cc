#include "eval/code/humaneval.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "eval/code/sandbox.h"
#include "eval/evaluate.h"
#include "support/files.h"

namespace nibble::eval {
namespace {

using nibble::testing::TempFolder;
using nibble::testing::write_file;

class HumanEvalTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto problem = sandbox_problem()) {
      GTEST_SKIP() << "needs bubblewrap and user namespaces: " << *problem;
    }
  }
  static std::optional<Contribution> score(const Task& task,
                                           std::size_t index,
                                           const std::string& completion) {
    const std::vector<Response> responses = {GenerationResponse{.text = completion}};
    return score_sample(task, task.sample(index), responses).scores.at("pass@1");
  }
};

TEST_F(HumanEvalTest, RunsTheTestsOfAProblem) {
  const TempFolder folder;
  std::filesystem::create_directories(folder / "humaneval");
  const nlohmann::json problem = {
      {"task_id", "HumanEval/0"},
      {"prompt", "def twice(x):\n    \"\"\"Twice x.\"\"\"\n"},
      {"entry_point", "twice"},
      {"canonical_solution", "    return 2 * x\n"},
      {"test", "\n\ndef check(candidate):\n    assert candidate(4) == 8\n"}};
  write_file(folder.path() / "humaneval" / "HumanEval.jsonl", problem.dump() + "\n");
  const auto task = make_humaneval({.data = folder.path()});
  ASSERT_EQ(task->n_samples(), 1U);
  EXPECT_EQ(task->sample(0).id, "HumanEval/0");
  EXPECT_EQ(score(*task, 0, "    return 2 * x\n")->sum, 1.0);
  EXPECT_EQ(score(*task, 0, "    return x + 3\n")->sum, 0.0);
  EXPECT_EQ(score(*task, 0, "    exit()\n")->sum, 0.0);
  const std::vector<Response> none = {GenerationResponse{.text = "", .is_answered = false}};
  EXPECT_FALSE(score_sample(*task, task->sample(0), none).scores.at("pass@1"));
}

TEST_F(HumanEvalTest, CanonicalSolutionsOfTheDataSetPass) {
  const auto folder = nibble::testing::data_folder();
  if (!folder || !std::filesystem::exists(*folder / "humaneval")) {
    GTEST_SKIP() << "needs humaneval in the folder of evaluation data";
  }
  const auto task = make_humaneval({.data = *folder, .limit = 5});
  for (std::size_t i = 0; i < task->n_samples(); ++i) {
    const auto document = nlohmann::json::parse(task->sample(i).document);
    EXPECT_EQ(score(*task, i, document.at("canonical_solution").get<std::string>())->sum, 1.0) << i;
    EXPECT_EQ(score(*task, i, "    return None\n")->sum, 0.0) << i;
  }
}

}  // namespace
}  // namespace nibble::eval
