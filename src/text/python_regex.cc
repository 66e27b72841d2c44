#include "text/python_regex.h"

#include <algorithm>

#include "text/pcre2_code.h"

namespace nibble::text {
namespace {

PCRE2_SPTR bytes_of(std::string_view text) {
  static constexpr const char* kEmpty = "";
  return reinterpret_cast<PCRE2_SPTR>(text.data() == nullptr ? kEmpty : text.data());
}

/// The text that a replacement stands for.
std::string expanded(std::string_view replacement, const PythonRegex::Match& match) {
  std::string out;
  for (std::size_t i = 0; i < replacement.size(); ++i) {
    const char next = i + 1 < replacement.size() ? replacement[i + 1] : '\0';
    if (replacement[i] != '\\' || next == '\0') {
      out += replacement[i];
      continue;
    }
    ++i;
    if (next == 'n' || next == 't' || next == '\\') {
      out += next == 'n' ? '\n' : (next == 't' ? '\t' : '\\');
      continue;
    }
    const bool is_long = next == 'g' && replacement.substr(i + 1).starts_with('<');
    const std::size_t digit = is_long ? i + 2 : i;
    const char c = digit < replacement.size() ? replacement[digit] : '\0';
    if (c < '0' || c > '9' || static_cast<std::size_t>(c - '0') >= match.size()) {
      raise(ErrorCode::kInvalidArgument, "replacement '{}': no such group", replacement);
    }
    out += match[static_cast<std::size_t>(c - '0')];
    i = is_long ? digit + 1 : digit;
  }
  return out;
}

}  // namespace

struct PythonRegex::Code : Pcre2Code {
  explicit Code(pcre2_code* compiled) : Pcre2Code(compiled) {
    pcre2_pattern_info(compiled, PCRE2_INFO_CAPTURECOUNT, &n_groups);
  }
  std::uint32_t n_groups = 0;
};

Result<PythonRegex> PythonRegex::compile(std::string_view pattern) {
  int error = 0;
  PCRE2_SIZE offset = 0;
  pcre2_code* compiled = pcre2_compile(bytes_of(pattern),
                                       pattern.size(),
                                       PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C,
                                       &error,
                                       &offset,
                                       nullptr);
  if (compiled == nullptr) {
    return fail(ErrorCode::kInvalidArgument,
                "pattern '{}': {} at byte {}",
                pattern,
                pcre2_message(error),
                offset);
  }
  return PythonRegex(std::make_shared<const Code>(compiled));
}

std::size_t PythonRegex::n_groups() const noexcept {
  return code_->n_groups;
}

void PythonRegex::for_each_match(std::string_view text, FunctionRef<bool(const Match&)> f) const {
  const Pcre2Match data = code_->room_for_match();
  std::size_t at = 0;
  std::uint32_t options = 0;
  while (true) {
    const int n = pcre2_match(code_->code.get(),
                              bytes_of(text),
                              text.size(),
                              at,
                              options,
                              data.get(),
                              code_->context.get());
    if (n == PCRE2_ERROR_NOMATCH) {
      return;
    }
    if (n < 0) {
      raise(ErrorCode::kUnsupported, "a match failed: {}", pcre2_message(n));
    }
    const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer(data.get());
    Match match;
    for (std::size_t group = 0; group <= code_->n_groups; ++group) {
      const PCRE2_SIZE begin = bounds[2 * group];
      const PCRE2_SIZE end = bounds[2 * group + 1];
      match.push_back(begin == PCRE2_UNSET || group >= static_cast<std::size_t>(n)
                          ? std::string_view()
                          : text.substr(begin, end - begin));
    }
    at = bounds[1];
    // Behind an empty match the next must not be empty at the same place.
    options = match[0].empty() ? PCRE2_NOTEMPTY_ATSTART : 0;
    if (!f(match)) {
      return;
    }
  }
}

bool PythonRegex::is_found_in(std::string_view text) const {
  bool is_found = false;
  for_each_match(text, [&](const Match&) {
    is_found = true;
    return false;
  });
  return is_found;
}

std::string PythonRegex::replaced(std::string_view text,
                                  std::string_view replacement,
                                  std::size_t at_most,
                                  std::size_t max_bytes) const {
  std::string out;
  std::size_t done = 0;
  std::size_t n = 0;
  for_each_match(text, [&](const Match& match) {
    const auto begin = static_cast<std::size_t>(match[0].data() - text.data());
    out.append(text, done, begin - done).append(expanded(replacement, match));
    if (out.size() > max_bytes) {
      raise(ErrorCode::kInvalidArgument, "a text of more than {} bytes", max_bytes);
    }
    done = begin + match[0].size();
    return at_most == 0 || ++n < at_most;
  });
  return out.append(text, std::min(done, text.size()));
}

}  // namespace nibble::text
