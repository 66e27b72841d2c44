#include "eval/task_file/prompt.h"

#include <gtest/gtest.h>

#include "text/chat_template.h"

namespace nibble::eval {
namespace {

const text::ChatTemplate& chat_template(std::string_view refusal = "") {
  static std::map<std::string, text::ChatTemplate, std::less<>> kept;
  const std::string source = std::string(refusal) +
                             "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}"
                             "{% if add_generation_prompt %}<assistant>{% endif %}";
  auto found = kept.find(source);
  if (found == kept.end()) {
    found = kept.emplace(source, text::ChatTemplate::parse(source, {}).take()).first;
  }
  return found->second;
}

const Shot kFirst{"Q1", "A1"};
const Shot kSecond{"Q2", "A2"};
const std::vector<const Shot*> kShots = {&kFirst, &kSecond};

TEST(PromptBuilder, PlainText) {
  const PromptTemplates prompt;
  const ChatSettings plain;
  const PromptBuilder builder(prompt, plain);
  EXPECT_EQ(builder.build("About.\n\n", kShots, "Q"), "About.\n\nQ1 A1\n\nQ2 A2\n\nQ");
  EXPECT_EQ(builder.build("", {}, "Q"), "Q");
  EXPECT_EQ(builder.choice_delimiter(), " ");
}

TEST(PromptBuilder, AnEmptyAnswerHasNoDelimiters) {
  const Shot open{"Q1", ""};
  const std::vector<const Shot*> shots = {&open};
  EXPECT_EQ(PromptBuilder({}, {}).build("", shots, "Q"), "Q1Q");
}

TEST(PromptBuilder, SystemAndDescriptionMeetAtWhiteSpaceOrADelimiter) {
  const PromptTemplates prompt;
  const ChatSettings system{nullptr, "Be terse.", true};
  EXPECT_EQ(PromptBuilder(prompt, system).build("About.", {}, "Q"), "Be terse.\n\nAbout.Q");
  EXPECT_EQ(PromptBuilder(prompt, system).build("\nAbout.", {}, "Q"), "Be terse.\nAbout.Q");
  EXPECT_EQ(PromptBuilder(prompt, system).build("", {}, "Q"), "Be terse.Q");
}

TEST(PromptBuilder, ChatWithExamplesAsTurns) {
  const PromptTemplates prompt;
  const ChatSettings chat{&chat_template(), "", true};
  const PromptBuilder builder(prompt, chat);
  EXPECT_EQ(builder.build("About.", kShots, "Q"),
            "<system>About.<user>Q1<assistant>A1<user>Q2<assistant>A2<user>Q<assistant>");
  EXPECT_EQ(builder.choice_delimiter(), "");
}

TEST(PromptBuilder, ChatInOneMessage) {
  const PromptTemplates prompt;
  const ChatSettings chat{&chat_template(), "S", false};
  EXPECT_EQ(PromptBuilder(prompt, chat).build("", kShots, "Q"),
            "<system>S<user>Q1 A1\n\nQ2 A2\n\nQ<assistant>");
}

TEST(PromptBuilder, ASystemMessageThatTheTemplateRefusesIsLeftOut) {
  const PromptTemplates prompt;
  const ChatSettings chat{
      &chat_template("{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}"),
      "S",
      true};
  EXPECT_EQ(PromptBuilder(prompt, chat).build("", {}, "Q"), "<user>Q<assistant>");
}

}  // namespace
}  // namespace nibble::eval
