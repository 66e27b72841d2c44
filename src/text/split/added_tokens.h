/// Finds tokens that stand in a text as they are written ("<|im_start|>"), before anything else
/// looks at it.
///
/// The leftmost match wins, then the longest. A token may claim the white space around it, or only
/// whole words.
///
/// Layout     a trie of bytes as one hash table
/// Threads    immutable; reentrant
/// Errors     none
/// Source     AddedVocabulary of the `tokenizers` package
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "text/vocab/merge_table.h"

namespace nibble::text {

struct AddedToken {
  TokenId id;
  std::string text;
  bool single_word = false;  ///< no word character before or behind
  bool strip_left = false;   ///< takes the white space before it
  bool strip_right = false;  ///< and behind it
};

class AddedTokens {
 public:
  AddedTokens() = default;
  /// Empty texts are left out; of equal texts the last one stays.
  explicit AddedTokens(std::vector<AddedToken> tokens);

  [[nodiscard]] bool empty() const noexcept { return tokens_.empty(); }

  /// Calls `on_text` for what lies between tokens (never empty) and `on_token` for tokens, in
  /// order.
  void split(std::string_view text,
             FunctionRef<void(std::string_view)> on_text,
             FunctionRef<void(TokenId)> on_token) const;

 private:
  /// Index and length of the longest token at `at`; length 0 for none.
  struct Found {
    std::size_t token = 0;
    std::size_t n_bytes = 0;
  };
  [[nodiscard]] Found longest_at(std::string_view text, std::size_t at) const noexcept;

  std::vector<AddedToken> tokens_;
  MergeTable edges_;              // (node, byte) -> node
  std::vector<TokenId> endings_;  // by node: index into tokens_, or -1
  std::array<bool, 256> starts_{};
};

}  // namespace nibble::text
