/// A model's chat template: messages become the text that the model was trained to see.
///
/// Threads    immutable; `render` is reentrant
/// Errors     parse: kCorruptData "chat template:LINE: reason"; rendering: Error(kInvalidArgument),
///            with the template's own words where it refuses the messages
/// Source     Transformers `apply_chat_template`: its syntax, filters and functions
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "text/jinja/template.h"
#include "text/tokenizer.h"

namespace nibble::text {

struct ChatMessage {
  std::string role;  ///< "system", "user", "assistant"
  std::string content;
};

struct ChatOptions {
  bool add_generation_prompt = true;
  jinja::Value tools{};  ///< a list of descriptions; none without tools
};

/// How the tokenizer spells the tokens that a template may name; "" for one that there is not.
struct ChatTokens {
  std::string bos, eos;
};

/// Those of a tokenizer.
ChatTokens chat_tokens(const Tokenizer& tokenizer);

class ChatTemplate {
 public:
  static Result<ChatTemplate> parse(std::string_view source, ChatTokens tokens);

  [[nodiscard]] std::string render(std::span<const ChatMessage> messages,
                                   const ChatOptions& options = {}) const;

 private:
  ChatTemplate(jinja::Template parsed, ChatTokens tokens)
      : template_(std::move(parsed)), tokens_(std::move(tokens)) {}
  jinja::Template template_;
  ChatTokens tokens_;
};

}  // namespace nibble::text
