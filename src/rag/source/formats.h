/// The text of a file, by the ending of its name.
///
///   .txt .text     as it is
///   .md .markdown  without marks; the first heading is the title
///   .html .htm     what a reader sees: no scripts, styles or head; <title> is the title
///   .pdf           the text of the pages in reading order, an empty line between two; the title of
///                  its properties
///
/// Blocks (paragraphs, headings, list items, table rows) end with an empty line, so that chunkers
/// see them.
///
/// Errors     kCorruptData: not UTF-8 (with the byte), a PDF that cannot be opened, is locked with
///            a password, or has no text (a scan); kInvalidArgument: above `kMaxSourceBytes`
/// Source     MD4C, Gumbo and Poppler read the formats
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "rag/source/document.h"

namespace nibble::rag {

/// Of one file; larger ones are to be split, or given as JSON lines.
inline constexpr std::size_t kMaxSourceBytes = std::size_t{256} << 20;

/// Turns the bytes of a file into title and text; the name is the caller's.
using ReadFormat = Document (*)(std::string_view bytes);

struct FormatRow {
  std::string_view ending;  ///< ".md"
  ReadFormat read;          ///< throws Error without the path
};
std::span<const FormatRow> format_table();
/// nullptr for a name that no row ends.
const FormatRow* find_format(const std::filesystem::path& path);

Result<Document> read_document(const std::filesystem::path& path, const FormatRow& format);

Document read_plain(std::string_view bytes);
Document read_markdown(std::string_view bytes);
Document read_html(std::string_view bytes);
Document read_pdf(std::string_view bytes);

}  // namespace nibble::rag
