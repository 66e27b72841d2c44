/// The rewriting of text before it is split, as a list of steps.
///
/// Requires   valid UTF-8
/// Threads    immutable; reentrant
/// Errors     none
/// Source     normalizers of the `tokenizers` package: NFC, NFD, NFKC, NFKD, Lowercase,
/// StripAccents, Replace (string), Prepend,
///            Strip, BertNormalizer
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace nibble::text {

struct NormalizeStep {
  enum class Kind : std::uint8_t {
    kNfc,
    kNfd,
    kNfkc,
    kNfkd,
    kLowercase,
    kStripAccents,
    kReplace,    ///< every `pattern` by `content`
    kPrepend,    ///< `content` before text that is not empty
    kStripLeft,  ///< white space
    kStripRight,
    kBertClean,  ///< control characters dropped, white space to blanks
    kBertCjk,    ///< blanks around Chinese characters
  };
  Kind kind;
  std::string pattern, content;
};

class Normalizer {
 public:
  Normalizer() = default;
  explicit Normalizer(std::vector<NormalizeStep> steps) : steps_(std::move(steps)) {}

  [[nodiscard]] bool empty() const noexcept { return steps_.empty(); }
  /// The rewritten text: a view of `text` itself where nothing changed, else of `storage`.
  [[nodiscard]] std::string_view apply(std::string_view text, std::string& storage) const;

 private:
  std::vector<NormalizeStep> steps_;
};

}  // namespace nibble::text
