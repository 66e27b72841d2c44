#include <fmt/format.h>

#include "rag/answer/sets/readers.h"

namespace nibble::rag {

std::size_t PassagePool::add(std::string_view title, std::string_view text) {
  const auto [at, is_new] =
      known_.emplace(fmt::format("{}\n{}", title, text), set_.passages.size());
  if (is_new) {
    set_.passages.push_back({std::string(title), std::string(text)});
  }
  return at->second;
}

std::optional<std::string> question_between_cues(std::string_view context) {
  constexpr std::string_view kFront = "Question: ";
  constexpr std::string_view kBack = "\nAnswer:";
  if (!context.starts_with(kFront) || !context.ends_with(kBack) ||
      context.size() < kFront.size() + kBack.size()) {
    return std::nullopt;
  }
  context.remove_prefix(kFront.size());
  context.remove_suffix(kBack.size());
  return std::string(context);
}

}  // namespace nibble::rag
