/// The options that put a task's questions to a model as a conversation.
///
/// Errors     Error(kInvalidArgument) where a template is wanted and the model has none
/// Source     options of lm-evaluation-harness
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>

#include "eval/task.h"
#include "model/load.h"
#include "text/chat_template.h"

namespace nibble::app {

struct ChatChoice {
  bool applies_template = false;
  bool is_multiturn = true;
  std::string system{};
};

/// --apply-chat-template, --fewshot-as-multiturn, --system
void add_chat_options(CLI::App& command, ChatChoice& choice);

/// The model's template where it is wanted.
std::optional<text::ChatTemplate> chat_template_of(const ChatChoice& choice,
                                                   const model::LoadedModel& model);

}  // namespace nibble::app
