/// Four-bit codebooks over blocks of the flattened matrix: NF4 (quantiles of the normal
/// distribution) and FP4.
///
///   w[i] = codebook[code[i]] * absmax[i / block],   i = r * cols + c
///   nested: absmax[b] = dynamic_map[absmax_u8[b]] * nested_absmax[b / 256] + nested_offset
///
/// A name is the codebook, "b", the block, and "dq" where absmax itself is quantized: "nf4b64",
/// "nf4b64dq", "fp4b128". Blocks are of 32, 64, 128, 256, 512, 1024, 2048 or 4096 elements, run
/// over row ends, and the last may be shorter.
///
/// Layout     part "codes"         u8 [ceil(rows * cols / 2)], element 2i in byte i's high nibble
///            part "absmax"        f32 [n_blocks], or u8 [n_blocks] where nested
///            part "nested_absmax" f32 [ceil(n_blocks / 256)], only where nested
///            part "nested_offset" f32 [1], only where nested
/// Precision  float32 products in the order written
/// Errors     `validate`: kCorruptData for missing, superfluous or mistyped parts and scales that
///            are not finite; kShapeMismatch
/// Source     Dettmers et al. 2023, arXiv 2305.14314; constants and byte order of bitsandbytes
///            0.50; docs/formats/nf4.md
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codec/codec.h"

namespace nibble::codec {

enum class Codebook : std::uint8_t { kNf4, kFp4 };

/// The values of codes 0 … 15. FP4's are not monotone: bit 3 is the sign.
const std::array<float, 16>& codebook_values(Codebook codebook) noexcept;
/// The 256 values, ascending, of which quantized absmax are made; +1 is one of them, -1 is not.
const std::array<float, 256>& dynamic_map() noexcept;

inline constexpr std::size_t kNestedBlock = 256;

struct CodebookFormat {
  Codebook codebook = Codebook::kNf4;
  std::size_t block = 64;
  bool nested = false;
  bool operator==(const CodebookFormat&) const = default;
};

std::string codebook_name(const CodebookFormat& format);
/// nullopt when the name does not follow the grammar.
std::optional<CodebookFormat> codebook_from_name(std::string_view name);
std::shared_ptr<const Codec> codebook_codec(const CodebookFormat& format);
/// The format of a codec made here; nullptr for any other.
const CodebookFormat* codebook_format(const Codec& codec) noexcept;

/// A matrix with one byte a code; what methods write and studies read.
struct CodebookCodes {
  std::vector<std::uint8_t> codes = {};      ///< [rows * cols]
  std::vector<float> absmax = {};            ///< [n_blocks]; empty where nested
  std::vector<std::uint8_t> absmax_u8 = {};  ///< [n_blocks], only where nested
  std::vector<float> nested_absmax = {};     ///< [ceil(n_blocks / 256)], only where nested
  float nested_offset = 0;
};

EncodedMatrix pack_codebook(const CodebookFormat& format,
                            std::size_t rows,
                            std::size_t cols,
                            const CodebookCodes& codes);
CodebookCodes unpack_codebook(const EncodedMatrix& matrix);

}  // namespace nibble::codec
