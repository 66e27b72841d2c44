/// WikiText-2 raw as the perplexity protocols want it.
///
///   joined       the rows of the data set (a blank line is "", others keep their "\n") with "\n\n"
///                between; GPTQ and the sliding window tokenize this text once
///   pages        the file cut before each level-1 heading, as the document-level data set
///   detokenized  a page with the tokenization marks (" @-@ ", " , ") undone
///   n_words      len(re.split(r"\s+", page)), the empty texts at both ends included
///
/// Source     GPTQ datautils.py; EleutherAI/wikitext_document_level
///            lm-evaluation-harness 0.4.13 wikitext_detokenizer
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace nibble::eval::wikitext {

std::string joined(std::string_view file);
std::vector<std::string> pages(std::string_view file);
std::string detokenized(std::string_view page);
std::size_t n_words(std::string_view text);

}  // namespace nibble::eval::wikitext
