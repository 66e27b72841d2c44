/// Splitting by a regular expression that no scanner covers.
///
/// Requires   text is valid UTF-8
/// Threads    immutable; `for_each_match` is reentrant
/// Errors     compile: kUnsupported with the offset; matching: Error(kUnsupported) when a match
///            costs more than the limit
/// Source     PCRE2 with Unicode properties; `\s` and `\S` are White_Space, as in Oniguruma
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "text/split/word_sink.h"

namespace nibble::text {

class Regex {
 public:
  static Result<Regex> compile(std::string_view pattern);

  /// Calls `sink` for each non-empty match, from the left, without overlap.
  void for_each_match(std::string_view text, WordSink sink) const;

 private:
  struct Code;
  explicit Regex(std::shared_ptr<const Code> code) : code_(std::move(code)) {}
  std::shared_ptr<const Code> code_;
};

}  // namespace nibble::text
