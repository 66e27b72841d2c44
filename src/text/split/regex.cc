#include "text/split/regex.h"

#include "text/pcre2_code.h"

namespace nibble::text {
namespace {

constexpr std::string_view kSpaceClass = R"(\t-\r\x{85}\p{Z})";

/// PCRE2's `\s` has U+180E, Oniguruma's has not: writes `\s` and `\S` out as White_Space.
std::string spell_out_spaces(std::string_view pattern) {
  std::string out;
  int depth = 0;  // of character classes
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\' && i + 1 < pattern.size()) {
      const char next = pattern[++i];
      if (next == 's') {
        out.append(depth > 0 ? std::string(kSpaceClass) : "[" + std::string(kSpaceClass) + "]");
      } else if (next == 'S' && depth == 0) {
        out.append("[^").append(kSpaceClass).append("]");
      } else {
        out.append({c, next});
      }
      continue;
    }
    depth += c == '[' ? 1 : c == ']' && depth > 0 ? -1 : 0;
    out.push_back(c);
  }
  return out;
}

/// Constructs that Oniguruma and PCRE2 read differently: class intersection, and `\h` (hexadecimal
/// there, blank here).
bool reads_differently(std::string_view pattern) {
  return pattern.find("&&") != std::string_view::npos ||
         pattern.find("\\h") != std::string_view::npos ||
         pattern.find("\\H") != std::string_view::npos;
}

}  // namespace

struct Regex::Code : Pcre2Code {
  using Pcre2Code::Pcre2Code;
};

Result<Regex> Regex::compile(std::string_view pattern) {
  if (reads_differently(pattern)) {
    return fail(
        ErrorCode::kUnsupported, "pattern '{}': '&&', \\h and \\H are not handled", pattern);
  }
  const std::string spelled = spell_out_spaces(pattern);
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(spelled.data()),
                                   spelled.size(),
                                   PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C,
                                   &error,
                                   &offset,
                                   nullptr);
  if (code == nullptr) {
    return fail(ErrorCode::kUnsupported,
                "pattern '{}': {} at offset {}",
                pattern,
                pcre2_message(error),
                offset);
  }
  pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);  // without it matching is slower, not different
  return Regex(std::make_shared<const Code>(code));
}

void Regex::for_each_match(std::string_view text, WordSink sink) const {
  const Pcre2Match match = code_->room_for_match();
  for (std::size_t at = 0; at < text.size();) {
    const int n = pcre2_match(code_->code.get(),
                              reinterpret_cast<PCRE2_SPTR>(text.data()),
                              text.size(),
                              at,
                              PCRE2_NO_UTF_CHECK | PCRE2_NOTEMPTY,
                              match.get(),
                              code_->context.get());
    if (n == PCRE2_ERROR_NOMATCH) {
      return;
    }
    if (n < 0) {
      raise(ErrorCode::kUnsupported, "the tokenizer's split pattern fails: {}", pcre2_message(n));
    }
    const PCRE2_SIZE* span = pcre2_get_ovector_pointer(match.get());
    sink(text.substr(span[0], span[1] - span[0]));
    at = span[1];
  }
}

}  // namespace nibble::text
