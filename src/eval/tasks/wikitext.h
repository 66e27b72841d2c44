/// WikiText pages as lm-evaluation-harness scores and counts them.
///
///   detokenized  a page with the tokenization marks (" @-@ ", " , ") undone
///   n_words      len(re.split(r"\s+", page)), the empty texts at both ends included
///
/// Source     lm-evaluation-harness 0.4.13 wikitext_detokenizer
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace nibble::eval::wikitext {

std::string detokenized(std::string_view page);
std::size_t n_words(std::string_view text);

}  // namespace nibble::eval::wikitext
