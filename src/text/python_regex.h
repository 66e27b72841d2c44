/// Python's `re` on texts, for patterns that come with tasks and templates.
///
/// Matches are found from the left; an empty match may follow a match, as since Python 3.7.
///
/// Requires   text is valid UTF-8
/// Threads    immutable; matching is reentrant
/// Errors     compile: kInvalidArgument with the offset in the pattern; matching:
///            Error(kUnsupported) when a match costs more than the limit
/// Source     PCRE2 with Unicode properties. Python's own syntax that PCRE2 reads otherwise
///            ("(?u)", "\Z") is not translated
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "base/result.h"

namespace nibble::text {

class PythonRegex {
 public:
  static Result<PythonRegex> compile(std::string_view pattern);

  /// The whole match, then each group; "" for a group that took no part.
  using Match = std::vector<std::string_view>;
  /// As re.finditer; `f` returns whether to go on.
  void for_each_match(std::string_view text, FunctionRef<bool(const Match&)> f) const;
  [[nodiscard]] bool is_found_in(std::string_view text) const;
  /// As re.sub: \1 to \9 and \g<1> stand for groups; `at_most` 0 means all.
  [[nodiscard]] std::string replaced(std::string_view text,
                                     std::string_view replacement,
                                     std::size_t at_most = 0,
                                     std::size_t max_bytes = SIZE_MAX) const;
  [[nodiscard]] std::size_t n_groups() const noexcept;

 private:
  struct Code;
  explicit PythonRegex(std::shared_ptr<const Code> code) : code_(std::move(code)) {}
  std::shared_ptr<const Code> code_;
};

}  // namespace nibble::text
