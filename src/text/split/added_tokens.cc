#include "text/split/added_tokens.h"

#include <algorithm>

#include "text/unicode/categories.h"

namespace nibble::text {
namespace {

constexpr TokenId kRoot = 0;

std::size_t last_char_offset(std::string_view text) noexcept {
  std::size_t at = text.size() - 1;
  while (at > 0 && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) {
    --at;
  }
  return at;
}

bool ends_with_word(std::string_view text) noexcept {
  return !text.empty() && is_word_char(scan_char(text, last_char_offset(text)).value);
}

bool starts_with_word(std::string_view text) noexcept {
  return !text.empty() && is_word_char(scan_char(text, 0).value);
}

std::size_t spaces_at_end(std::string_view text) noexcept {
  std::size_t end = text.size();
  while (end > 0) {
    const std::size_t at = last_char_offset(text.substr(0, end));
    if (scan_char(text, at).kind != CharClass::kSpace) {
      break;
    }
    end = at;
  }
  return text.size() - end;
}

std::size_t spaces_at_start(std::string_view text) noexcept {
  std::size_t at = 0;
  for (ScannedChar c = scan_char(text, 0); c.n_bytes > 0 && c.kind == CharClass::kSpace;
       c = scan_char(text, at)) {
    at += c.n_bytes;
  }
  return at;
}

}  // namespace

AddedTokens::AddedTokens(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  std::erase_if(tokens_, [](const AddedToken& token) { return token.text.empty(); });
  endings_.push_back(-1);
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    TokenId node = kRoot;
    for (const char c : tokens_[i].text) {
      const auto byte = static_cast<unsigned char>(c);
      TokenId next = edges_.find(node, byte).result;
      if (next < 0) {
        next = static_cast<TokenId>(endings_.size());
        endings_.push_back(-1);
        edges_.add(node, byte, {0, next});
      }
      node = next;
    }
    endings_[static_cast<std::size_t>(node)] = static_cast<TokenId>(i);
    starts_[static_cast<unsigned char>(tokens_[i].text.front())] = true;
  }
}

AddedTokens::Found AddedTokens::longest_at(std::string_view text, std::size_t at) const noexcept {
  Found found;
  TokenId node = kRoot;
  for (std::size_t i = at; i < text.size(); ++i) {
    node = edges_.find(node, static_cast<unsigned char>(text[i])).result;
    if (node < 0) {
      break;
    }
    if (const TokenId ending = endings_[static_cast<std::size_t>(node)]; ending >= 0) {
      found = {static_cast<std::size_t>(ending), i + 1 - at};
    }
  }
  return found;
}

void AddedTokens::split(std::string_view text,
                        FunctionRef<void(std::string_view)> on_text,
                        FunctionRef<void(TokenId)> on_token) const {
  std::size_t given = 0;  // everything before it was passed on
  std::size_t at = tokens_.empty() ? text.size() : 0;
  while (at < text.size()) {
    const bool may_start = starts_[static_cast<unsigned char>(text[at])];
    const Found found = may_start ? longest_at(text, at) : Found{};
    if (found.n_bytes == 0) {
      ++at;
      continue;
    }
    const AddedToken& token = tokens_[found.token];
    std::size_t begin = at;
    at += found.n_bytes;
    if (token.single_word &&
        (ends_with_word(text.substr(0, begin)) || starts_with_word(text.substr(at)))) {
      continue;
    }
    if (token.strip_left) {
      begin -= spaces_at_end(text.substr(given, begin - given));
    }
    if (token.strip_right) {
      at += spaces_at_start(text.substr(at));
    }
    if (begin > given) {
      on_text(text.substr(given, begin - given));
    }
    on_token(token.id);
    given = at;
  }
  if (given < text.size()) {
    on_text(text.substr(given));
  }
}

}  // namespace nibble::text
