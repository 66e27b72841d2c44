#include "text/tokenizer.h"

namespace nibble::text {

std::string StreamDecoder::push(TokenId id) {
  const std::string bytes = tokenizer_.token_bytes(id);
  pending_ += at_start_ ? tokenizer_.first_token_bytes(id) : bytes;
  at_start_ = at_start_ && bytes.empty();
  std::string text;
  append_complete(text, pending_, tokenizer_.malformed_rule());
  return text;
}

std::string StreamDecoder::finish() {
  std::string text;
  append_lossy(text, pending_, tokenizer_.malformed_rule());
  pending_.clear();
  at_start_ = true;
  return text;
}

}  // namespace nibble::text
