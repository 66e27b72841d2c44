#include "text/unicode/case.h"

#include <utf8proc.h>

#include "base/utf8.h"

namespace nibble::text {
namespace {

enum class Case : std::uint8_t { kLower, kUpper, kTitle };

char32_t mapped(char32_t value, Case wanted) {
  const auto code = static_cast<utf8proc_int32_t>(value);
  switch (wanted) {
    case Case::kLower:
      return static_cast<char32_t>(utf8proc_tolower(code));
    case Case::kUpper:
      return static_cast<char32_t>(utf8proc_toupper(code));
    default:
      return static_cast<char32_t>(utf8proc_totitle(code));
  }
}

/// `case_of(code point, index)` says how each is written.
template <class CaseOf>
std::string rewritten(std::string_view text, CaseOf case_of) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const utf8::CodePoint point = utf8::decode(text, i);
    const Case wanted = case_of(point.value, i);
    if (point.value == U'ß' && wanted != Case::kLower) {
      out += wanted == Case::kUpper ? "SS" : "Ss";
    } else {
      utf8::append(out, mapped(point.value, wanted));
    }
    i += point.n_bytes;
  }
  return out;
}

bool is_cased(char32_t value) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(value))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::string lower_case(std::string_view text) {
  return rewritten(text, [](char32_t, std::size_t) { return Case::kLower; });
}

std::string upper_case(std::string_view text) {
  return rewritten(text, [](char32_t, std::size_t) { return Case::kUpper; });
}

std::string capitalized(std::string_view text) {
  return rewritten(text,
                   [](char32_t, std::size_t i) { return i == 0 ? Case::kTitle : Case::kLower; });
}

std::string title_case(std::string_view text) {
  bool is_inside = false;
  return rewritten(text, [&](char32_t value, std::size_t) {
    const Case wanted = is_inside ? Case::kLower : Case::kTitle;
    is_inside = is_cased(value);
    return wanted;
  });
}

bool is_python_word(char32_t value) noexcept {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(value))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_NO:
      return true;
    default:
      return value == U'_';
  }
}

}  // namespace nibble::text
