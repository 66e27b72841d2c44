/// A question behind its solved examples, as plain text or as a chat.
///
///   plain   system and description, then for each example question + delimiter + answer +
///           delimiter between examples, then the question
///   chat    the same as messages through the model's chat template: examples as turns of their
///           own, or all text in one message of the user
///
/// Source     lm-evaluation-harness 0.4.13 `ConfigurableTask.fewshot_context`, `build_qa_turn`,
///            `multiturn_to_singleturn`
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "eval/task.h"
#include "eval/task_file/question.h"

namespace nibble::eval {

class PromptBuilder {
 public:
  PromptBuilder(const PromptTemplates& prompt, const ChatSettings& chat)
      : prompt_(prompt), chat_(chat) {}

  /// `description` may be empty.
  [[nodiscard]] std::string build(std::string_view description,
                                  std::span<const Shot* const> shots,
                                  std::string_view question) const;

  /// What stands between a prompt and a choice.
  [[nodiscard]] std::string_view choice_delimiter() const noexcept {
    return chat_.chat_template == nullptr ? std::string_view(prompt_.target_delimiter) : "";
  }

 private:
  const PromptTemplates& prompt_;
  const ChatSettings& chat_;
};

}  // namespace nibble::eval
