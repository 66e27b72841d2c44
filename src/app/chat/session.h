/// A conversation with a model: messages in, answers token by token.
///
/// The whole conversation goes through the model's chat template each time; keys and values of
/// what it has in common with the time before are kept, so that a turn costs what is new in it.
///
/// Where the conversation and an answer do not fit the context, the oldest exchanges are left out
/// of what the model reads (the system message stays). An answer has room for `max_tokens`, or for
/// a quarter of the context where that is less.
///
/// Errors     Error(kInvalidArgument): the model has no template, the template refuses the
///            messages, or one message alone is too long; the conversation is then as before
/// Source     our own
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "model/generate.h"
#include "model/load.h"
#include "text/chat_template.h"

namespace nibble::app {

struct ChatAnswer {
  std::string text;
  model::StopReason reason = model::StopReason::kLimit;
  bool is_stopped = false;     ///< by the person
  std::size_t n_left_out = 0;  ///< messages of the conversation that the model did not read
  std::size_t n_read = 0;      ///< tokens that were computed before the first of the answer
  std::size_t n_tokens = 0;    ///< of the answer
};

class ChatSession {
 public:
  /// `loaded` must outlive the session. No system message for "".
  ChatSession(const model::LoadedModel& loaded, std::string_view system, std::size_t max_tokens);

  /// `on_text` gets whole characters as they come; `wants_stop` is asked between tokens.
  ChatAnswer answer(std::string_view message,
                    FunctionRef<void(std::string_view)> on_text,
                    FunctionRef<bool()> wants_stop);

  /// Forgets the conversation; the system message stays.
  void reset();
  /// Another system message, and a new conversation.
  void set_system(std::string_view system);
  [[nodiscard]] const std::vector<text::ChatMessage>& messages() const noexcept {
    return messages_;
  }

 private:
  [[nodiscard]] std::vector<text::TokenId> encode(std::size_t n_left_out) const;
  [[nodiscard]] std::vector<text::TokenId> fitting_prompt(std::size_t& n_left_out) const;
  void keep_common(std::span<const text::TokenId> prompt);
  bool read(std::span<const text::TokenId> prompt, FunctionRef<bool()> wants_stop);
  void write(text::TokenId last,
             ChatAnswer& answer,
             FunctionRef<void(std::string_view)> on_text,
             FunctionRef<bool()> wants_stop);
  text::TokenId next_token(text::TokenId last);

  const model::LoadedModel& loaded_;
  text::ChatTemplate template_;
  std::size_t max_tokens_;
  std::vector<text::ChatMessage> messages_;
  std::size_t n_system_ = 0;  ///< messages that stay: 0 or 1
  model::KvCache cache_;
  model::SequenceId sequence_;
  std::vector<text::TokenId> cached_;  ///< whose keys and values are in the cache
  std::vector<float> hidden_, logits_;
};

}  // namespace nibble::app
