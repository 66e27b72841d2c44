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

std::unique_ptr<Task> one_problem(const TempFolder& folder, const CodeSampling& sampling) {
  std::filesystem::create_directories(folder / "humaneval");
  const nlohmann::json problem = {{"task_id", "HumanEval/0"},
                                  {"prompt", "def twice(x):\n"},
                                  {"entry_point", "twice"},
                                  {"test", "def check(f):\n    assert f(4) == 8\n"}};
  write_file(folder.path() / "humaneval" / "HumanEval.jsonl", problem.dump() + "\n");
  return make_humaneval({.data = folder.path()}, sampling);
}

TEST_F(HumanEvalTest, SeveralCompletionsGivePassAtK) {
  const TempFolder folder;
  const auto task = one_problem(folder, {.n_samples = 4, .ks = {2, 1}, .seed = 3});
  const Sample sample = task->sample(0);
  ASSERT_EQ(sample.requests.size(), 4U);
  const std::string right = "    return 2 * x\n";
  const std::string wrong = "    return x\n";
  std::vector<Response> responses;
  for (const std::string& text : {right, wrong, wrong, wrong}) {
    responses.emplace_back(GenerationResponse{.text = text});
  }
  const SampleResult result = score_sample(*task, sample, responses);
  EXPECT_DOUBLE_EQ(result.scores.at("pass@1")->sum, 0.25);
  EXPECT_DOUBLE_EQ(result.scores.at("pass@2")->sum, 0.5);  // 1 - C(3, 2) / C(4, 2)
  EXPECT_EQ(task->info().metrics.front().name, "pass@1");
  responses[2] = GenerationResponse{.text = "", .is_answered = false};
  EXPECT_FALSE(score_sample(*task, sample, responses).scores.at("pass@2"));
}

TEST_F(HumanEvalTest, EachCompletionHasASeedOfItsOwn) {
  const TempFolder folder;
  const auto seeds = [&](const CodeSampling& sampling) {
    std::vector<std::uint64_t> out;
    for (const Request& request : one_problem(folder, sampling)->sample(0).requests) {
      out.push_back(std::get<GenerationRequest>(request).sampling.seed);
    }
    return out;
  };
  const auto two = seeds({.n_samples = 2, .seed = 3});
  EXPECT_NE(two[0], two[1]);
  EXPECT_EQ(two[0], seeds({.n_samples = 5, .seed = 3})[0]);
  EXPECT_NE(two[0], seeds({.n_samples = 2, .seed = 4})[0]);
  const auto task = one_problem(folder, {.n_samples = 2});
  EXPECT_NE(task->info().protocol.find("temperature 0.2, top-p 0.95"), std::string::npos);
}

TEST_F(HumanEvalTest, RefusesWhatCannotBeEstimated) {
  const TempFolder folder;
  for (const CodeSampling& sampling : {CodeSampling{.n_samples = 2, .ks = {3}},
                                       CodeSampling{.n_samples = 2, .temperature = 0.0},
                                       CodeSampling{.n_samples = 2, .top_p = 1.5}}) {
    EXPECT_THROW((void)one_problem(folder, sampling), Error);
  }
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
