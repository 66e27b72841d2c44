#include "eval/text_case.h"

#include <utf8proc.h>

#include "base/utf8.h"

namespace nibble::eval {
namespace {

std::string mapped(std::string_view text, bool title_first) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const utf8::CodePoint point = utf8::decode(text, i);
    const auto value = static_cast<utf8proc_int32_t>(point.value);
    const bool title = title_first && i == 0;
    utf8::append(out,
                 static_cast<char32_t>(title ? utf8proc_totitle(value) : utf8proc_tolower(value)));
    i += point.n_bytes;
  }
  return out;
}

}  // namespace

std::string lower_case(std::string_view text) {
  return mapped(text, false);
}

std::string capitalized(std::string_view text) {
  return mapped(text, true);
}

}  // namespace nibble::eval
