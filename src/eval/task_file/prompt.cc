#include "eval/task_file/prompt.h"

#include "base/error.h"
#include "base/utf8.h"
#include "text/chat_template.h"

namespace nibble::eval {
namespace {

/// A message, and what stands behind it in plain text.
struct Turn {
  std::string role;
  std::string content;
  std::string delimiter;
};

bool ends_in_space(std::string_view text) {
  return utf8::rstrip(text).size() < text.size();
}
bool begins_with_space(std::string_view text) {
  return !text.empty() && utf8::is_space(utf8::decode(text, 0).value);
}

/// Both texts, with the delimiter unless white space stands where they meet.
std::string joined(std::string_view first, std::string_view second, std::string_view delimiter) {
  const bool is_delimited =
      !first.empty() && !second.empty() && !ends_in_space(first) && !begins_with_space(second);
  return std::string(first).append(is_delimited ? delimiter : std::string_view()).append(second);
}

std::string plain_text(std::span<const Turn> turns) {
  std::string out;
  for (const Turn& turn : turns) {
    out.append(turn.content).append(turn.delimiter);
  }
  return out;
}

std::vector<text::ChatMessage> messages_of(std::span<const Turn> turns, bool is_multiturn) {
  std::vector<text::ChatMessage> out;
  if (!turns.empty() && turns.front().role == "system") {
    out.push_back({"system", turns.front().content});
    turns = turns.subspan(1);
  }
  if (!is_multiturn) {
    out.push_back({"user", plain_text(turns)});
    return out;
  }
  for (const Turn& turn : turns) {
    out.push_back({turn.role, turn.content});
  }
  return out;
}

/// A template that refuses a system message is asked again without it, as the reference does.
std::string render_chat(const ChatSettings& chat, std::vector<text::ChatMessage> messages) {
  try {
    return chat.chat_template->render(messages);
  } catch (const Error&) {
    if (messages.front().role != "system") {
      throw;
    }
  }
  messages.erase(messages.begin());
  return chat.chat_template->render(messages);
}

}  // namespace

std::string PromptBuilder::build(std::string_view description,
                                 std::span<const Shot* const> shots,
                                 std::string_view question) const {
  std::vector<Turn> turns;
  std::string system = joined(chat_.system, description, prompt_.shot_delimiter);
  if (!system.empty()) {
    turns.push_back({"system", std::move(system), ""});
  }
  for (const Shot* shot : shots) {
    const bool has_answer = !shot->answer.empty();
    turns.push_back({"user", shot->question, has_answer ? prompt_.target_delimiter : ""});
    if (has_answer) {
      turns.push_back({"assistant", shot->answer, prompt_.shot_delimiter});
    }
  }
  turns.push_back({"user", std::string(question), ""});
  return chat_.chat_template == nullptr
             ? plain_text(turns)
             : render_chat(chat_, messages_of(turns, chat_.is_multiturn));
}

}  // namespace nibble::eval
