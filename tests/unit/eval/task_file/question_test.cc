#include "eval/task_file/question.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "text/jinja/from_json.h"

namespace nibble::eval {
namespace {

TaskDefinition choice_task(std::string_view target, std::string_view choices = "{{ c }}") {
  return parse_task(fmt::format("name = \"own\"\nversion = 1\nkind = \"choice\"\nsummary = \"s\"\n"
                                "metrics = [\"acc\"]\n[data]\nfiles = [\"x\"]\n[prompt]\n"
                                "text = \"{{{{ q }}}}?\"\nchoices = \"{}\"\n{}\n",
                                choices,
                                target),
                    "t");
}

text::jinja::Value row(std::string_view json) {
  return text::jinja::parse_json_value(json, "row").take();
}

std::string error_of(const TaskDefinition& task, std::string_view json) {
  try {
    static_cast<void>(render_question(task, row(json), "f: row 1"));
    return "rendered";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorruptData);
    return error.what();
  }
}

TEST(RenderQuestion, ATargetIsANumberOrAText) {
  const auto by_number = choice_task("target = \"{{ a }}\"");
  const Question first =
      render_question(by_number, row(R"({"q": "Q", "c": ["x", "y"], "a": 1})"), "f");
  EXPECT_EQ(first.text, "Q?");
  EXPECT_EQ(first.choices, (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(first.is_right, (std::vector<bool>{false, true}));
  const Question second =
      render_question(by_number, row(R"({"q": "Q", "c": ["x", "y"], "a": "x"})"), "f");
  EXPECT_EQ(second.is_right, (std::vector<bool>{true, false}));
}

TEST(RenderQuestion, SeveralMayBeRight) {
  const auto task = choice_task("right = \"{{ r }}\"");
  EXPECT_EQ(render_question(task, row(R"({"q": "Q", "c": ["x", "y", "z"], "r": [1, 0, 1]})"), "f")
                .is_right,
            (std::vector<bool>{true, false, true}));
  EXPECT_EQ(error_of(task, R"({"q": "Q", "c": ["x", "y"], "r": [1]})"),
            "f: row 1: 'right' has 1 elements for 2 choices");
  EXPECT_EQ(error_of(task, R"({"q": "Q", "c": ["x"], "r": [0]})"),
            "f: row 1: 'right' names no choice");
}

TEST(RenderQuestion, RefusesRowsThatDoNotFit) {
  const auto task = choice_task("target = \"{{ a }}\"");
  EXPECT_EQ(error_of(task, R"({"q": "Q", "c": ["x"], "a": 1})"),
            "f: row 1: 'target' is 1, there are 1 choices");
  EXPECT_EQ(error_of(task, R"({"q": "Q", "c": ["x"], "a": "z"})"),
            "f: row 1: 'target' is 'z', which is none of 1 choices");
  EXPECT_EQ(error_of(task, R"({"q": "Q", "c": [], "a": 0})"),
            "f: row 1: 'choices' gives a list, wanted a list with elements");
  EXPECT_EQ(error_of(task, R"({"c": ["x"], "a": 0})"), "f: row 1: text: 'q' is undefined");
}

TEST(RenderShot, IsTheQuestionWithItsRightAnswer) {
  const auto task = choice_task("target = \"{{ a }}\"");
  const Shot shot = render_shot(task, row(R"({"q": "Q", "c": ["x", "y"], "a": 1})"), "f");
  EXPECT_EQ(shot.question, "Q?");
  EXPECT_EQ(shot.answer, "y");
}

}  // namespace
}  // namespace nibble::eval
