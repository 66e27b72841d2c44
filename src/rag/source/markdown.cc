#include <md4c.h>

#include <limits>

#include "base/utf8.h"
#include "rag/source/formats.h"

namespace nibble::rag {
namespace {

/// What the parser has told so far.
struct Reading {
  Document document;
  bool in_heading = false;
  bool has_title = false;
};

void end_block(std::string& text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) {
    text.pop_back();
  }
  if (!text.empty()) {
    text += "\n\n";
  }
}

bool ends_paragraph(MD_BLOCKTYPE type) noexcept {
  return type == MD_BLOCK_P || type == MD_BLOCK_H || type == MD_BLOCK_LI || type == MD_BLOCK_CODE ||
         type == MD_BLOCK_TR || type == MD_BLOCK_HR;
}

int enter_block(MD_BLOCKTYPE type, void* /*detail*/, void* data) {
  auto& reading = *static_cast<Reading*>(data);
  if (type == MD_BLOCK_LI || type == MD_BLOCK_QUOTE) {
    end_block(reading.document.text);
  }
  reading.in_heading = type == MD_BLOCK_H;
  return 0;
}

int leave_block(MD_BLOCKTYPE type, void* /*detail*/, void* data) {
  auto& reading = *static_cast<Reading*>(data);
  if (type == MD_BLOCK_H) {
    reading.has_title = reading.has_title || !reading.document.title.empty();
    reading.in_heading = false;
  }
  if (ends_paragraph(type)) {
    end_block(reading.document.text);
  } else if (type == MD_BLOCK_TD || type == MD_BLOCK_TH) {
    reading.document.text += ' ';
  }
  return 0;
}

int ignore_span(MD_SPANTYPE /*type*/, void* /*detail*/, void* /*data*/) {
  return 0;
}

/// The characters that entities stand for in prose; others stay as they are written.
std::string_view entity(std::string_view name) {
  struct Row {
    std::string_view name, text;
  };
  static constexpr Row kRows[] = {{"&amp;", "&"},
                                  {"&lt;", "<"},
                                  {"&gt;", ">"},
                                  {"&quot;", "\""},
                                  {"&nbsp;", " "},
                                  {"&mdash;", "\u2014"},
                                  {"&ndash;", "\u2013"},
                                  {"&hellip;", "\u2026"}};
  for (const Row& row : kRows) {
    if (row.name == name) {
      return row.text;
    }
  }
  return name;
}

int on_text(MD_TEXTTYPE type, const MD_CHAR* text, MD_SIZE size, void* data) {
  auto& reading = *static_cast<Reading*>(data);
  std::string_view piece(text, size);
  if (type == MD_TEXT_HTML) {
    return 0;
  }
  if (type == MD_TEXT_BR || type == MD_TEXT_SOFTBR) {
    piece = "\n";
  } else if (type == MD_TEXT_ENTITY) {
    piece = entity(piece);
  } else if (type == MD_TEXT_NULLCHAR) {
    piece = "\uFFFD";
  }
  reading.document.text += piece;
  if (reading.in_heading && !reading.has_title) {
    reading.document.title += piece;
  }
  return 0;
}

}  // namespace

Document read_markdown(std::string_view bytes) {
  const std::string plain = read_plain(bytes).text;
  static_assert(kMaxSourceBytes < std::numeric_limits<MD_SIZE>::max());
  MD_PARSER parser = {};
  parser.flags = MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_PERMISSIVEAUTOLINKS;
  parser.enter_block = &enter_block;
  parser.leave_block = &leave_block;
  parser.enter_span = &ignore_span;
  parser.leave_span = &ignore_span;
  parser.text = &on_text;
  Reading reading;
  if (md_parse(plain.data(), static_cast<MD_SIZE>(plain.size()), &parser, &reading) != 0) {
    raise(ErrorCode::kOutOfMemory, "no memory for the Markdown parser");
  }
  end_block(reading.document.text);
  return std::move(reading.document);
}

}  // namespace nibble::rag
