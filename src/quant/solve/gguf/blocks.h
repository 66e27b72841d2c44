/// Fills one block of each GGUF type: weights in, bytes out.
///
/// A weight counts by w in the search for its scale (scale_search.h). Without importance w is what
/// the type's column says, with importance m it is m sqrt(k E[x^2] + x^2), E over the block, or
/// over the whole row for q4_0 to q5_1:
///
///   type              w without importance          k   search
///   q4_0 q5_0         none: the peak is the scale   1   symmetric
///   q4_1 q5_1         none: min and max             1   offset
///   q8_0              none: the peak is the scale   -   none; importance changes nothing
///   q2_k              |x|                           1   offset, absolute errors without importance
///   q3_k              x^2                           2   descend; symmetric with importance
///   q4_k q5_k         rms of the sub-block + |x|    2   offset
///   q6_k              x^2                           -   symmetric, w = m
///   iq4_nl iq4_xs     x^2                           2   fifteen grids of the levels
///
/// The scales (and minimums) of a super-block become integers: the largest takes the last one; with
/// importance they are searched like weights. Codes are then chosen for the scales as stored.
///
/// Shapes     x, importance: as many as a block holds
/// Requires   x is finite; importance >= 0
/// Precision  float32
/// Source     ggml's quantizers give the same bytes up to the contraction of products and sums;
///            docs/formats/gguf-blocks.md
#pragma once

#include <cstdint>
#include <span>

namespace nibble::quant {

struct BlockInput {
  std::span<const float> x;
  std::span<const float> importance;  ///< empty when there is none
  float row_mean_square = 0.0F;       ///< mean of x^2 over the row; wanted with importance
};

void encode_q4_0(const BlockInput& in, std::uint8_t* block);
void encode_q4_1(const BlockInput& in, std::uint8_t* block);
void encode_q5_0(const BlockInput& in, std::uint8_t* block);
void encode_q5_1(const BlockInput& in, std::uint8_t* block);
void encode_q8_0(const BlockInput& in, std::uint8_t* block);

void encode_q2_k(const BlockInput& in, std::uint8_t* block);
void encode_q3_k(const BlockInput& in, std::uint8_t* block);
void encode_q4_k(const BlockInput& in, std::uint8_t* block);
void encode_q5_k(const BlockInput& in, std::uint8_t* block);
void encode_q6_k(const BlockInput& in, std::uint8_t* block);

void encode_iq4_nl(const BlockInput& in, std::uint8_t* block);
void encode_iq4_xs(const BlockInput& in, std::uint8_t* block);

}  // namespace nibble::quant
