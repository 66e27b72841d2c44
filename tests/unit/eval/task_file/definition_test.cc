#include "eval/task_file/definition.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/files.h"

namespace nibble::eval {
namespace {

constexpr std::string_view kSmall = R"(name = "own"
version = 1
kind = "choice"
summary = "s"
metrics = ["acc"]
[data]
files = ["own.jsonl"]
[prompt]
text = "{{ q }}"
choices = "{{ c }}"
target = "{{ a }}"
)";

/// kSmall with one thing changed.
std::string changed(std::string_view from, std::string_view to) {
  std::string out(kSmall);
  out.replace(out.find(from), from.size(), to);
  return out;
}

std::string error_of(const std::string& toml) {
  try {
    static_cast<void>(parse_task(toml, "t"));
    return "parsed";
  } catch (const Error& error) {
    return error.what();
  }
}

TEST(TaskDefinition, Defaults) {
  const TaskDefinition task = parse_task(kSmall, "t");
  EXPECT_EQ(task.name, "own");
  EXPECT_EQ(task.data_id, "own");
  EXPECT_EQ(task.prompt.target_delimiter, " ");
  EXPECT_EQ(task.prompt.shot_delimiter, "\n\n");
  EXPECT_EQ(task.shots.n_shots, 0U);
  EXPECT_EQ(task.generation.stop, std::vector<std::string>{"\n\n"});
  EXPECT_EQ(task.generation.max_tokens, 256U);
  EXPECT_EQ(task.hash.size(), 64U);
}

TEST(TaskDefinition, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(error_of(changed("choice\"", "choices\"")),
            "t:3:8: 'kind': wanted choice, continuation, generation or perplexity");
  EXPECT_EQ(
      error_of(changed("\"acc\"", "\"acc_nrm\"")),
      "t:5:11: 'metrics': no metric 'acc_nrm' (did you mean 'acc_norm'?); there are acc, acc_norm, "
      "acc_bytes");
  EXPECT_EQ(error_of(changed("target = \"{{ a }}\"", "target = \"{{ a \"")),
            "t:11:10: 'target': target:1: '{{' without '}}'");
  EXPECT_EQ(error_of(changed("target = ", "right = \"{{ r }}\"\ntarget = ")),
            "t:8:1: 'prompt': a choice wants either 'target' or 'right'");
  EXPECT_EQ(
      error_of(changed("choices = \"{{ c }}\"\n", "")),
      "t:8:1: 'prompt': a choice wants 'text' and 'choices', or 'contexts' and 'continuation'");
  EXPECT_NE(error_of(changed("text =", "txt =")), "parsed");
  EXPECT_NE(error_of(std::string(kSmall) + "[shots]\nsampler = \"best\"\n"), "parsed");
  EXPECT_NE(error_of(std::string(kSmall) + "[[filter]]\nname = \"f\"\npattern = \"(\"\n"),
            "parsed");
  EXPECT_NE(error_of(std::string(kSmall) + "[exact_match]\nignore = [\"(\"]\n"), "parsed");
}

TEST(TaskDefinition, EveryFileOfTheProgramParsesAndHasItsName) {
  const auto& all = builtin_definitions();
  ASSERT_GE(all.size(), 20U);
  EXPECT_TRUE(std::ranges::is_sorted(all, {}, &TaskDefinition::name));
  for (const TaskDefinition& task : all) {
    const auto path = nibble::testing::source_path("tasks/" + task.name + ".toml");
    EXPECT_EQ(read_task_file(path).hash, task.hash) << task.name;
    EXPECT_FALSE(task.summary.empty()) << task.name;
    EXPECT_FALSE(task.reference.empty()) << task.name;
  }
}

TEST(TaskDefinition, AMissingFileIsNotFound) {
  try {
    static_cast<void>(read_task_file("/nowhere/x.toml"));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  }
}

}  // namespace
}  // namespace nibble::eval
