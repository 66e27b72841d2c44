#include "app/chat_option.h"

#include "base/error.h"

namespace nibble::app {
void add_chat_options(CLI::App& command, ChatChoice& choice) {
  command.add_flag("--apply-chat-template",
                   choice.applies_template,
                   "Put questions through the model's chat template");
  command.add_flag("--fewshot-as-multiturn,!--no-fewshot-as-multiturn",
                   choice.is_multiturn,
                   "With a template: solved examples as turns of their own (the default)");
  command.add_option("--system", choice.system, "A system message in front of every question");
}

std::optional<text::ChatTemplate> chat_template_of(const ChatChoice& choice,
                                                   const model::LoadedModel& model) {
  if (!choice.applies_template) {
    return std::nullopt;
  }
  if (model.chat_template.empty()) {
    raise(ErrorCode::kInvalidArgument,
          "the model has no chat template; leave --apply-chat-template out");
  }
  return text::ChatTemplate::parse(model.chat_template, text::chat_tokens(*model.tokenizer)).take();
}

}  // namespace nibble::app
