/// Cuts text into the words that the model encodes one by one, as a list of steps; each step cuts
/// the parts of the one before.
///
/// Requires   valid UTF-8
/// Threads    immutable; reentrant
/// Errors     Error(kUnsupported) when a pattern fails on a text
/// Source     pre-tokenizers of the `tokenizers` package: Split, Digits, ByteLevel,
/// BertPreTokenizer, Metaspace
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/split/regex.h"
#include "text/split/scanners.h"
#include "text/split/word_sink.h"

namespace nibble::text {

/// What becomes of the parts that a Split step matches.
enum class SplitBehavior : std::uint8_t {
  kRemoved,
  kIsolated,
  kMergedWithPrevious,
  kMergedWithNext,
  kContiguous,
};

struct SplitStep {
  enum class Kind : std::uint8_t {
    kPattern,      ///< a scanner
    kRegex,        ///< `regex` with `behavior`
    kLiteral,      ///< `literal` with `behavior`
    kDigits,       ///< single digits; runs of them when `flag`
    kBert,         ///< white space removed, punctuation isolated
    kPrefixBlank,  ///< a blank in front of a part that begins with none
    kMetaspace,    ///< blanks to U+2581, one in front (see `prepend`), cut before each when `flag`
    kCutAtBlanks,  ///< before each run of U+2581, except behind one of `joined`
  };
  enum class Prepend : std::uint8_t { kNever, kFirst, kAlways };

  Kind kind;
  Pattern pattern{};
  std::optional<Regex> regex{};
  std::string literal{};
  SplitBehavior behavior = SplitBehavior::kIsolated;
  bool invert = false;  ///< what is between the matches counts as the match
  bool flag = false;
  Prepend prepend = Prepend::kNever;
  std::vector<std::string> joined{};  ///< characters behind which a token may go on with a blank
};

class PreTokenizer {
 public:
  PreTokenizer() = default;
  explicit PreTokenizer(std::vector<SplitStep> steps) : steps_(std::move(steps)) {}

  /// `at_start`: `text` begins the whole input (Metaspace asks).
  void split(std::string_view text, bool at_start, WordSink sink) const {
    run(0, text, at_start, sink);
  }

 private:
  void run(std::size_t step, std::string_view text, bool at_start, WordSink sink) const;
  std::vector<SplitStep> steps_;
};

}  // namespace nibble::text
