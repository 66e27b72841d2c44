#include <poppler/cpp/poppler-document.h>
#include <poppler/cpp/poppler-global.h>
#include <poppler/cpp/poppler-page.h>

#include <memory>
#include <vector>

#include "base/cancel.h"
#include "base/utf8.h"
#include "rag/source/formats.h"

namespace nibble::rag {
namespace {

/// More than any book; a file that claims more is refused.
constexpr int kMaxPages = 100'000;

std::string to_utf8(const poppler::ustring& text) {
  const poppler::byte_array bytes = text.to_utf8();
  return {bytes.begin(), bytes.end()};
}

}  // namespace

Document read_pdf(std::string_view bytes) {
  // Poppler prints what it thinks of a file; our messages say what matters.
  poppler::set_debug_error_function([](const std::string&, void*) {}, nullptr);
  poppler::byte_array data(bytes.begin(), bytes.end());
  const std::unique_ptr<poppler::document> pdf(poppler::document::load_from_data(&data));
  if (pdf == nullptr) {
    raise(ErrorCode::kCorruptData, "not a readable PDF");
  }
  if (pdf->is_locked()) {
    raise(ErrorCode::kCorruptData, "the PDF is locked with a password");
  }
  if (pdf->pages() > kMaxPages) {
    raise(
        ErrorCode::kCorruptData, "a PDF of {} pages, at most {} are read", pdf->pages(), kMaxPages);
  }
  Document out;
  out.title = to_utf8(pdf->get_title());
  for (int i = 0; i < pdf->pages(); ++i) {
    cancel_flag().check();
    const std::unique_ptr<poppler::page> page(pdf->create_page(i));
    if (page != nullptr) {
      const std::string text = to_utf8(page->text());
      const std::string_view kept = utf8::strip(text);
      if (!kept.empty()) {
        out.text += kept;
        out.text += "\n\n";
      }
    }
    if (out.text.size() > kMaxSourceBytes) {
      raise(
          ErrorCode::kCorruptData, "the text of the PDF is larger than {} bytes", kMaxSourceBytes);
    }
  }
  if (out.text.empty()) {
    raise(ErrorCode::kCorruptData,
          "the PDF has no text; pages that are pictures need recognition first");
  }
  return out;
}

}  // namespace nibble::rag
