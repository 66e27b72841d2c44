#include "io/gguf/exact_blocks.h"

#include <algorithm>
#include <cmath>

#include "codec/gguf_blocks.h"
#include "codec/gguf_blocks_small.h"
#include "io/formats/integer_weight.h"

namespace nibble::io {
namespace {

constexpr std::size_t kBlock = 32;

/// code - zero of every weight; the smallest and the largest.
struct Range {
  int low = 0, high = 0;
};

std::size_t group_of(const IntegerWeight& weight) {
  return weight.group == 0 ? weight.cols : weight.group;
}

int level_at(const IntegerWeight& weight, std::size_t r, std::size_t c) {
  const float zero = weight.codes.zeros[r * weight.n_groups() + c / group_of(weight)];
  return weight.codes.codes[r * weight.cols + c] - static_cast<int>(std::lround(zero));
}

Range range_of(const IntegerWeight& weight) {
  Range out;
  for (std::size_t r = 0; r < weight.rows; ++r) {
    for (std::size_t c = 0; c < weight.cols; ++c) {
      const int level = level_at(weight, r, c);
      out.low = std::min(out.low, level);
      out.high = std::max(out.high, level);
    }
  }
  return out;
}

template <class Format>
codec::EncodedMatrix pack(const IntegerWeight& weight) {
  const auto codec = codec::gguf_block_codec(Format::kName);
  Tensor blocks = Tensor::make(DType::kU8, {weight.rows, codec->row_bytes(weight.cols)});
  std::uint8_t* out = blocks.mutable_as<std::uint8_t>().data();
  for (std::size_t r = 0; r < weight.rows; ++r) {
    for (std::size_t c = 0; c < weight.cols; c += kBlock) {
      codec::SmallBlock block;
      block.d = weight.codes.scales[r * weight.n_groups() + c / group_of(weight)];
      for (std::size_t i = 0; i < kBlock; ++i) {
        block.codes[i] = static_cast<std::uint8_t>(level_at(weight, r, c + i) + Format::kZero);
      }
      Format::pack(block, out);
      out += Format::kBlock.bytes;
    }
  }
  return codec::block_matrix(codec, weight.rows, weight.cols, std::move(blocks));
}

template <class Format>
bool holds(Range range) {
  return range.low >= -Format::kZero && range.high < Format::kZero;
}

}  // namespace

codec::EncodedMatrix exact_gguf_blocks(std::string_view module,
                                       const codec::EncodedMatrix& matrix) {
  const IntegerWeight weight = integer_weight(module, matrix);
  require_natural_order(module, weight, "GGUF files");
  require_half_scales(module, weight);
  if (weight.cols % kBlock != 0 || group_of(weight) % kBlock != 0) {
    raise(ErrorCode::kUnsupported,
          "{}: rows of {} weights in groups of {}; blocks of 32 must divide both",
          module,
          weight.cols,
          group_of(weight));
  }
  const Range range = range_of(weight);
  if (holds<codec::Q4_0>(range)) {
    return pack<codec::Q4_0>(weight);
  }
  if (holds<codec::Q5_0>(range)) {
    return pack<codec::Q5_0>(weight);
  }
  if (holds<codec::Q8_0>(range)) {
    return pack<codec::Q8_0>(weight);
  }
  raise(ErrorCode::kUnsupported,
        "{}: codes lie up to {} steps from their zero; Q8_0 reaches from -128 to 127",
        module,
        std::max(range.high, -range.low));
}

}  // namespace nibble::io
