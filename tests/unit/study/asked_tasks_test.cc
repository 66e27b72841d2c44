#include "study/asked_tasks.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "eval/code/sandbox.h"
#include "support/files.h"
#include "unit/eval/fake_tokenizer.h"

namespace nibble::study {
namespace {

using nibble::testing::TempFolder;
using nibble::testing::write_file;
using ::testing::HasSubstr;

class AskedTasksTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(folder_ / "piqa");
    std::filesystem::create_directories(folder_ / "humaneval");
    write_file(folder_ / "piqa/validation.jsonl",
               R"({"goal": "boil water", "sol1": "heat it", "sol2": "freeze it", "label": 0})");
    write_file(folder_ / "humaneval/HumanEval.jsonl",
               R"({"task_id": "H/0", "prompt": "def f():\n", "test": "t", "entry_point": "f"})");
    spec_.data = folder_.path();
  }
  AskedTasks make(const TaskSpec& task) {
    spec_.tasks = {task};
    return AskedTasks(spec_, {tokenizer_, 2048, template_});
  }
  std::string message_of(const TaskSpec& task) {
    try {
      make(task);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  TempFolder folder_;
  Spec spec_;
  eval::FakeTokenizer tokenizer_;
  std::string template_ = "{% for m in messages %}[{{ m.role }}: {{ m.content }}]{% endfor %}";
};

TEST_F(AskedTasksTest, PutsQuestionsThroughTheModelsTemplate) {
  EXPECT_EQ(make({.name = "piqa"}).tasks()[0]->sample(0).prompt, "Question: boil water\nAnswer:");
  const AskedTasks chat = make({.name = "piqa", .applies_template = true, .system = "Be brief."});
  EXPECT_EQ(chat.tasks()[0]->sample(0).prompt,
            "[system: Be brief.][user: Question: boil water\nAnswer:]");
  template_ = "";
  EXPECT_THAT(message_of({.name = "piqa", .applies_template = true}),
              HasSubstr("[[task]] piqa: apply_chat_template, but the model has no chat template"));
}

TEST_F(AskedTasksTest, TasksThatCallThemselvesTheSameAreRefused) {
  for (const char* name : {"one", "two"}) {
    std::filesystem::create_directories(folder_ / name);
    write_file(folder_ / name / "own.toml",
               "name = \"own\"\nversion = 1\nkind = \"choice\"\nsummary = \"s\"\n"
               "metrics = [\"acc\"]\n[data]\nfiles = [\"own.jsonl\"]\n[prompt]\ntext = "
               "\"{{ q }}\"\nchoices = \"{{ c }}\"\ntarget = \"{{ a }}\"\n");
    write_file(folder_ / name / "own.jsonl", "{\"q\": \"Why\", \"c\": [\"x\", \"y\"], \"a\": 1}\n");
  }
  const std::string one = (folder_ / "one/own.toml").string();
  EXPECT_EQ(make({.name = one}).tasks()[0]->info().name, "own");
  spec_.tasks = {{.name = one}, {.name = (folder_ / "two/own.toml").string()}};
  try {
    const AskedTasks both(spec_, {tokenizer_, 2048, template_});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.what(), HasSubstr("two/own.toml: another task is called 'own'"));
  }
}

TEST_F(AskedTasksTest, GeneratedCodeWantsTheWordOfWhoRunsTheStudy) {
  const TaskSpec humaneval{.name = "humaneval", .code = {.n_samples = 3, .ks = {2}}};
  EXPECT_THAT(message_of(humaneval), HasSubstr("allow it with nibble study --allow-code"));
  if (const auto problem = eval::sandbox_problem()) {
    GTEST_SKIP() << "needs bubblewrap and user namespaces: " << *problem;
  }
  spec_.allows_code = true;
  const AskedTasks made = make(humaneval);
  EXPECT_EQ(made.tasks()[0]->sample(0).requests.size(), 3U);
  EXPECT_EQ(made.tasks()[0]->info().metrics.front().name, "pass@2");
}

}  // namespace
}  // namespace nibble::study
