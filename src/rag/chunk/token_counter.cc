#include "rag/chunk/token_counter.h"

namespace nibble::rag {
namespace {

/// Words that are kept; a few tens of megabytes.
constexpr std::size_t kMaxKnown = 500'000;
constexpr std::size_t kMaxKnownBytes = 64;

}  // namespace

std::size_t TokenCounter::operator()(std::string_view word) {
  if (word.size() > kMaxKnownBytes) {
    return tokenizer_.encode(word, text::AddSpecial::kNo).take().size();
  }
  const auto found = known_.find(std::string(word));
  if (found != known_.end()) {
    return found->second;
  }
  if (known_.size() >= kMaxKnown) {
    known_.clear();
  }
  const std::size_t n = tokenizer_.encode(word, text::AddSpecial::kNo).take().size();
  known_.emplace(word, n);
  return n;
}

}  // namespace nibble::rag
