#include "text/chat_template.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "io/checkpoint.h"
#include "support/files.h"
#include "text/jinja/from_json.h"

namespace nibble::text {
namespace {

using nibble::testing::demo_model;
using nibble::testing::golden;
using nibble::testing::other_model;
using nibble::testing::read_file;

constexpr std::string_view kTemplate =
    "{{ bos_token }}{% for message in messages %}\n"
    "{% if message['role'] not in ['user', 'assistant'] %}"
    "{{ raise_exception('no ' + message['role']) }}{% endif %}\n"
    "[{{ message['role'] }}]{{ message['content'] | trim }}\n"
    "{% endfor %}\n"
    "{% if add_generation_prompt %}[assistant]{% endif %}";

TEST(ChatTemplate, RendersMessages) {
  const auto chat = ChatTemplate::parse(kTemplate, {"<s>", "</s>"}).take();
  EXPECT_EQ(chat.render({{{"user", " hi "}, {"assistant", "yo"}}}, {}),
            "<s>[user]hi\n[assistant]yo\n[assistant]");
  EXPECT_EQ(chat.render({{{"user", "hi"}}}, {.add_generation_prompt = false}), "<s>[user]hi\n");
}

TEST(ChatTemplate, PassesOnWhatTheTemplateRefuses) {
  const auto chat = ChatTemplate::parse(kTemplate, {}).take();
  try {
    static_cast<void>(chat.render({{{"system", "x"}}}, {}));
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_STREQ(error.what(), "chat template: no system");
  }
  EXPECT_EQ(ChatTemplate::parse("{% if %}", {}).failure().message,
            "chat template:1: a value is missing");
}

/// Each row of a golden file, with the model's own template.
void expect_golden(const std::filesystem::path& model, const std::filesystem::path& rows) {
  const auto checkpoint = io::open_checkpoint(model).take();
  const auto source = checkpoint->metadata().at("tokenizer.chat_template").get<std::string>();
  const auto chat = ChatTemplate::parse(source, {}).take();
  const auto all = nlohmann::ordered_json::parse(read_file(rows)).at("rows");
  ASSERT_FALSE(all.empty());
  for (const auto& row : all) {
    std::vector<ChatMessage> messages;
    for (const auto& message : row.at("messages")) {
      messages.push_back({message.at("role"), message.at("content")});
    }
    const ChatOptions options{row.at("add_generation_prompt").get<bool>(),
                              jinja::value_of(row.at("tools"))};
    EXPECT_EQ(chat.render(messages, options), row.at("rendered").get<std::string>())
        << row.at("id");
  }
}

TEST(ChatTemplate, RendersSmolLmAsTransformersDoes) {
  NIBBLE_NEEDS_FILE(model, demo_model());
  NIBBLE_NEEDS_FILE(rows, golden("engine/chat_smollm2.json"));
  expect_golden(model, rows);
}

TEST(ChatTemplate, RendersQwenAsTransformersDoes) {
  NIBBLE_NEEDS_FILE(model, other_model("qwen2.5-coder-0.5b-q4_k_m.gguf"));
  NIBBLE_NEEDS_FILE(rows, golden("engine/chat_qwen25.json"));
  expect_golden(model, rows);
}

}  // namespace
}  // namespace nibble::text
