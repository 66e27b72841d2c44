#include "text/unicode/normalizer.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "base/check.h"
#include "base/utf8.h"
#include "text/unicode/categories.h"

namespace nibble::text {
namespace {

using Kind = NormalizeStep::Kind;

bool is_ascii(std::string_view text) noexcept {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

struct Free {
  void operator()(utf8proc_uint8_t* memory) const noexcept { std::free(memory); }
};

std::string compose(std::string_view text, int form) {
  if (is_ascii(text)) {
    return std::string(text);
  }
  utf8proc_uint8_t* raw = nullptr;
  const auto n = utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                              static_cast<utf8proc_ssize_t>(text.size()),
                              &raw,
                              static_cast<utf8proc_option_t>(UTF8PROC_STABLE | form));
  const std::unique_ptr<utf8proc_uint8_t, Free> owner(raw);
  NIBBLE_CHECK(n >= 0 || n == UTF8PROC_ERROR_NOMEM, utf8proc_errmsg(n));
  if (n < 0) {
    raise(ErrorCode::kOutOfMemory, "cannot normalise {} bytes of text", text.size());
  }
  return {reinterpret_cast<const char*>(raw), static_cast<std::size_t>(n)};
}

/// Calls `f(out, value)` for each character; what it appends is the result.
template <class F>
std::string map_chars(std::string_view text, F&& f) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const utf8::CodePoint point = utf8::decode(text, i);
    f(out, point.value);
    i += point.n_bytes;
  }
  return out;
}

void append_lowercase(std::string& out, char32_t value) {
  if (value < 0x80) {
    out.push_back(static_cast<char>(value >= 'A' && value <= 'Z' ? value + 32 : value));
  } else if (value == 0x130) {  // the one character whose lower case is two: i and a dot above
    out.append("i\xCC\x87");
  } else {
    utf8::append(out,
                 static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(value))));
  }
}

void append_clean(std::string& out, char32_t value) {
  if (value == 0 || value == 0xFFFD || is_bert_control(value)) {
    return;
  }
  if (classify(value) == CharClass::kSpace) {
    out.push_back(' ');
  } else {
    utf8::append(out, value);
  }
}

void append_spaced_cjk(std::string& out, char32_t value) {
  if (is_cjk(value)) {
    out.push_back(' ');
    utf8::append(out, value);
    out.push_back(' ');
  } else {
    utf8::append(out, value);
  }
}

void append_unless_mark(std::string& out, char32_t value) {
  if (value < 0x300 || !is_nonspacing_mark(value)) {
    utf8::append(out, value);
  }
}

std::string replace_all(std::string_view text, std::string_view pattern, std::string_view content) {
  std::string out;
  out.reserve(text.size() + text.size() / 4);
  std::size_t from = 0;
  for (std::size_t at = 0; (at = text.find(pattern, from)) != std::string_view::npos;) {
    out.append(text.substr(from, at - from)).append(content);
    from = at + pattern.size();
  }
  return out.append(text.substr(from));
}

std::string strip_left(std::string_view text) {
  std::size_t i = 0;
  while (i < text.size() && scan_char(text, i).kind == CharClass::kSpace) {
    i += scan_char(text, i).n_bytes;
  }
  return std::string(text.substr(i));
}

std::string strip_right(std::string_view text) {
  std::size_t end = 0;
  for (std::size_t i = 0; i < text.size();) {
    const ScannedChar c = scan_char(text, i);
    i += c.n_bytes;
    end = c.kind == CharClass::kSpace ? end : i;
  }
  return std::string(text.substr(0, end));
}

std::string run_step(const NormalizeStep& step, std::string_view text) {
  switch (step.kind) {
    case Kind::kNfc:
      return compose(text, UTF8PROC_COMPOSE);
    case Kind::kNfd:
      return compose(text, UTF8PROC_DECOMPOSE);
    case Kind::kNfkc:
      return compose(text, UTF8PROC_COMPOSE | UTF8PROC_COMPAT);
    case Kind::kNfkd:
      return compose(text, UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT);
    case Kind::kLowercase:
      return map_chars(text, append_lowercase);
    case Kind::kStripAccents:
      return map_chars(text, append_unless_mark);
    case Kind::kReplace:
      return replace_all(text, step.pattern, step.content);
    case Kind::kPrepend:
      return text.empty() ? std::string() : step.content + std::string(text);
    case Kind::kStripLeft:
      return strip_left(text);
    case Kind::kStripRight:
      return strip_right(text);
    case Kind::kBertClean:
      return map_chars(text, append_clean);
    case Kind::kBertCjk:
      return map_chars(text, append_spaced_cjk);
  }
  return std::string(text);
}

/// Steps that leave ASCII text as it is.
bool keeps_ascii(Kind kind) noexcept {
  return kind <= Kind::kNfkd || kind == Kind::kStripAccents || kind == Kind::kBertCjk;
}

}  // namespace

std::string_view Normalizer::apply(std::string_view text, std::string& storage) const {
  std::string_view current = text;
  const bool ascii = !steps_.empty() && is_ascii(text);
  for (const NormalizeStep& step : steps_) {
    if (ascii && keeps_ascii(step.kind) && is_ascii(current)) {
      continue;
    }
    storage = run_step(step, current);
    current = storage;
  }
  return current;
}

}  // namespace nibble::text
