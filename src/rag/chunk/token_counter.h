/// Tokens of words, remembered: a language's words come again and again.
///
/// Threads    not reentrant
/// Errors     throws what the tokenizer reports (text that is not UTF-8)
/// Source     our own
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>

#include "text/tokenizer.h"

namespace nibble::rag {

class TokenCounter {
 public:
  /// `tokenizer` must outlive the counter.
  explicit TokenCounter(const text::Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  /// Without special tokens.
  std::size_t operator()(std::string_view word);

 private:
  const text::Tokenizer& tokenizer_;
  std::unordered_map<std::string, std::size_t> known_;
};

}  // namespace nibble::rag
