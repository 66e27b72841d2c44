#include "text/chat_template.h"

namespace nibble::text {

using jinja::Dict;
using jinja::Entry;
using jinja::List;

Result<ChatTemplate> ChatTemplate::parse(std::string_view source, ChatTokens tokens) {
  auto parsed = jinja::Template::parse(
      source, "chat template", {jinja::kChatSyntax, jinja::Strictness::kLenient, {}});
  if (!parsed) {
    return parsed.failure();
  }
  return ChatTemplate(std::move(*parsed), std::move(tokens));
}

std::string ChatTemplate::render(std::span<const ChatMessage> messages,
                                 const ChatOptions& options) const {
  List list;
  for (const ChatMessage& message : messages) {
    list.emplace_back(std::vector<Entry>{{"role", message.role}, {"content", message.content}});
  }
  const Dict names{{{"messages", std::move(list)},
                    {"tools", options.tools},
                    {"documents", jinja::Value()},
                    {"add_generation_prompt", options.add_generation_prompt},
                    {"bos_token", tokens_.bos},
                    {"eos_token", tokens_.eos}}};
  return template_.render(names);
}

ChatTokens chat_tokens(const Tokenizer& tokenizer) {
  const auto spelled = [&tokenizer](std::optional<TokenId> id) {
    return std::string(id ? tokenizer.token_text(*id).value_or("") : "");
  };
  return {spelled(tokenizer.special().bos), spelled(tokenizer.special().eos)};
}

}  // namespace nibble::text
