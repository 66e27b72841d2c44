#include "app/chat_option.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "support/files.h"

namespace nibble::app {
namespace {

using nibble::testing::demo_model;
using nibble::testing::run_program;
using nibble::testing::TempFolder;
using nibble::testing::write_file;

TEST(ChatOption, Parses) {
  CLI::App command;
  ChatChoice choice;
  add_chat_options(command, choice);
  command.parse("--apply-chat-template --no-fewshot-as-multiturn --system Terse");
  EXPECT_TRUE(choice.applies_template);
  EXPECT_FALSE(choice.is_multiturn);
  EXPECT_EQ(choice.system, "Terse");
}

TEST(ChatOption, AModelWithoutATemplateIsToldSo) {
  const model::LoadedModel model;
  EXPECT_FALSE(chat_template_of({}, model));
  EXPECT_THROW(static_cast<void>(chat_template_of({.applies_template = true}, model)), Error);
}

TEST(ChatOption, EvalSaysThatQuestionsAreAChat) {
  NIBBLE_NEEDS_FILE(path, demo_model());
  const TempFolder folder;
  std::filesystem::create_directory(folder / "piqa");
  write_file(folder / "piqa/validation.jsonl",
             R"({"goal": "boil water", "sol1": "heat it", "sol2": "freeze it", "label": 0})");
  const auto result =
      run_program(fmt::format("eval {} -t piqa -d {} --json --apply-chat-template --system Terse",
                              path.string(),
                              folder.path().string()));
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_NE(result.out.find("chat template, examples as turns; system message"), std::string::npos)
      << result.out;
}

}  // namespace
}  // namespace nibble::app
