#include "text/vocab/wordpiece.h"

#include <algorithm>

#include "base/utf8.h"

namespace nibble::text {
namespace {

bool is_continuation_byte(char byte) noexcept {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

}  // namespace

void WordPiece::encode(std::string_view word, std::vector<TokenId>& ids) const {
  const std::size_t n_before = ids.size();
  const bool fits =
      word.size() <= 4 * parts_.max_word_chars && utf8::length(word) <= parts_.max_word_chars;
  bool covered = fits;
  for (std::size_t begin = 0; covered && begin < word.size();) {
    const StringIndex& index = begin == 0 ? parts_.starts : parts_.continuations;
    std::size_t n = std::min(word.size() - begin, parts_.longest_token_bytes);
    covered = false;
    for (; n > 0 && !covered; --n) {
      if (begin + n < word.size() && is_continuation_byte(word[begin + n])) {
        continue;  // not between two characters
      }
      if (const auto id = index.find(word.substr(begin, n))) {
        ids.push_back(*id);
        begin += n;
        covered = true;
      }
    }
  }
  if (!covered) {
    ids.resize(n_before);
    ids.push_back(parts_.unknown);
  }
}

}  // namespace nibble::text
