/// What the readers of tokenizer files share.
///
/// Errors     those named throw Error; the public functions turn it into a Result with `reading`
#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/function_ref.h"
#include "text/pipeline.h"

namespace nibble::text {

/// How SentencePiece writes a blank: U+2581.
inline constexpr std::string_view kBlank = "\xE2\x96\x81";

/// The byte of a token "<0x0A>".
[[nodiscard]] std::optional<unsigned char> byte_of_token(std::string_view spelling) noexcept;
[[nodiscard]] std::string replace_all(std::string_view text,
                                      std::string_view from,
                                      std::string_view to);
/// U+2581 to blanks, and back.
[[nodiscard]] std::string with_blanks(std::string_view text);
[[nodiscard]] std::string without_blanks(std::string_view text);
/// "<start_of_turn>" and "<end_of_turn>": user-defined in Gemma's files, yet special.
[[nodiscard]] bool is_turn_mark(std::string_view spelling) noexcept;

/// What BertNormalizer switches.
struct BertOptions {
  bool clean = true, cjk = true, strip_accents = true, lowercase = true;
};
[[nodiscard]] std::vector<NormalizeStep> bert_steps(const BertOptions& options);
/// Undoes the blanks that splitting put before punctuation: " ." becomes ".", " do not" " don't".
[[nodiscard]] std::string tidy_wordpiece(std::string piece);

/// prefix and suffix from special.add_bos and special.add_eos. Throws kCorruptData when the token
/// is not named.
void put_around(PipelineParts& parts);

/// Whether a text of merged pieces may be cut before each blank: only where no piece goes on across
/// the cut.
class BlankCuts {
 public:
  void add(std::string_view piece);
  /// The step; nullopt where cutting would cost more than it saves or U+2581 is no piece.
  [[nodiscard]] std::optional<SplitStep> step(const StringIndex& pieces) const;

 private:
  std::vector<std::string> joined_;
};

/// Runs `read`; an Error becomes a Failure with `where` in front.
Result<std::unique_ptr<Tokenizer>> reading(std::string_view where,
                                           FunctionRef<std::unique_ptr<Tokenizer>()> read);

}  // namespace nibble::text
