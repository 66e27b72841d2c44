#include "codec/gguf_iq4.h"

#include "codec/gguf_blocks_small.h"

namespace nibble::codec {

void Iq4Nl::unpack(const std::uint8_t* block, Unpacked& out) noexcept {
  out.scales[0] = read_f16(block);
  split_nibbles_32(block + 2, out.codes.data());
}

void Iq4Xs::unpack(const std::uint8_t* block, Unpacked& out) noexcept {
  const float d = read_f16(block);
  const int scales_high = block[2] | (block[3] << 8);
  const std::uint8_t* scales_low = block + 4;
  for (std::size_t g = 0; g < kGroups; ++g) {
    const int low = (scales_low[g / 2] >> (4 * (g % 2))) & 15;
    const int high = (scales_high >> (2 * g)) & 3;
    out.scales[g] = d * static_cast<float>((low | (high << 4)) - 32);
    split_nibbles_32(block + 8 + 16 * g, out.codes.data() + 32 * g);
  }
}

}  // namespace nibble::codec
