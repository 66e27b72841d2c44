/// Where a text may be cut: words, sentences, paragraphs, as byte ranges.
///
///   words       runs without white space
///   sentences   end behind . ! ? … and closing marks where white space and then no lower-case
///               letter follow, but not behind an initial ("J.") or an abbreviation ("Dr.",
///               "Fig.", "e.g."); an empty line always ends one; CJK full stops end one at once
///   paragraphs  are separated by empty lines
///
/// Layout     ranges ascend, do not overlap, and are stripped of white space at both ends
/// Units      bytes of UTF-8
/// Source     our own
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace nibble::rag {

struct TextRange {
  std::size_t begin = 0;
  std::size_t end = 0;

  [[nodiscard]] std::string_view of(std::string_view text) const {
    return text.substr(begin, end - begin);
  }
  bool operator==(const TextRange&) const = default;
};

std::vector<TextRange> split_words(std::string_view text);
std::vector<TextRange> split_sentences(std::string_view text);
std::vector<TextRange> split_paragraphs(std::string_view text);

}  // namespace nibble::rag
