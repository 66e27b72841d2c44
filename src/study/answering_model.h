/// The model whose prompts the tasks of a study are made for.
///
/// Errors     Error(kInvalidArgument) where a chat template is wanted and the model has none; those
///            of the template's parser
/// Source     our own
#pragma once

#include <string>
#include <string_view>

#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace nibble::study {

/// Must outlive the tasks.
struct AnsweringModel {
  const text::Tokenizer& tokenizer;
  std::size_t context = 0;    ///< tokens
  std::string chat_template;  ///< "": none
};

/// The model's template; `key` is what of the study file asks for it: "chat = true".
text::ChatTemplate parse_chat_template(const AnsweringModel& model, std::string_view key);

}  // namespace nibble::study
