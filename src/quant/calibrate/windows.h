/// The text that calibrated methods look at, as windows of tokens.
///
///   source    "wikitext2" (the train part), "c4", "rag" (questions with passages), or a file:
///             text, or JSON lines with "text", "tokens", or "question" and "passages" (rag_text.h)
///             in each; all of them may end in .gz
///   skip      JSON lines that are left out at the start, so that none is judged on later
///   packing   consecutive   everything joined; windows follow one another from the start
///             random        everything joined; windows start at drawn positions (GPTQ's
///                           WikiText-2)
///             documents     one window from each of n drawn documents that are long enough, at a
///                           drawn position (GPTQ's C4)
///
/// Texts are joined with a blank line, token lists without anything. No special tokens are added.
///
/// Shapes     ids [n_windows * window]
/// Errors     kNotFound names the files looked for; kCorruptData, also when the source has fewer
///            tokens than the windows want
/// Source     our own; the packings are those of the GPTQ repository's data loaders
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/toml.h"
#include "model/load.h"

namespace nibble::quant {

enum class Packing : std::uint8_t { kConsecutive, kRandom, kDocuments };
/// What a block reads: the outputs of the quantized blocks before it, or of the original ones.
enum class BlockInputs : std::uint8_t { kQuantized, kOriginal };

struct CalibrationSpec {
  std::string source = "wikitext2";
  Packing packing = Packing::kConsecutive;
  std::size_t n_windows = 32;
  std::size_t window = 512;
  std::uint64_t seed = 0;
  std::size_t skip = 0;
  BlockInputs inputs = BlockInputs::kQuantized;
};

/// Reads the table [calibration] of a recipe; `calibration_text` writes it.
CalibrationSpec read_calibration(TomlTable& table);
std::string calibration_text(const CalibrationSpec& spec);

struct CalibrationWindows {
  std::size_t n_windows = 0;
  std::size_t window = 0;
  std::vector<std::int32_t> ids;
  std::string sha256;  ///< of the ids, 4 bytes each, little end first
  std::filesystem::path file;
};

/// `data` is the folder in which named sources and relative paths lie.
Result<CalibrationWindows> make_windows(const CalibrationSpec& spec,
                                        const std::filesystem::path& data,
                                        const text::Tokenizer& tokenizer);

}  // namespace nibble::quant
