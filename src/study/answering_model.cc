#include "study/answering_model.h"

#include "base/error.h"

namespace nibble::study {

text::ChatTemplate parse_chat_template(const AnsweringModel& model, std::string_view key) {
  if (model.chat_template.empty()) {
    raise(ErrorCode::kInvalidArgument, "{}, but the model has no chat template", key);
  }
  return text::ChatTemplate::parse(model.chat_template, text::chat_tokens(model.tokenizer)).take();
}

}  // namespace nibble::study
