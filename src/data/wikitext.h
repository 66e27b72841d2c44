/// WikiText as the two families of perplexity protocols want it, out of the official raw file
/// (wiki.test.raw).
///
/// The raw file has a line a paragraph, " = Title = " for headings, and lines of one blank between
/// them.
///
/// Errors     as read_text
/// Source     the "text" rows of datasets' wikitext-2-raw-v1; pages as in
///            EleutherAI/wikitext_document_level
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "data/text_file.h"

namespace nibble::data {

/// "\n\n".join(rows): a blank line is the row "", any other keeps its "\n". What GPTQ, AWQ and
/// transformers tokenize, once.
std::string join_wikitext_rows(std::string_view raw);
/// One article each, cut before its heading of level 1; text before the first heading is a page too
/// unless it is blank.
std::vector<std::string> split_wikitext_pages(std::string_view raw);

/// The joined rows of a file.
Result<TextFile> wikitext_rows_text(const std::filesystem::path& path);

}  // namespace nibble::data
