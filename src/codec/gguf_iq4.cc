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

void Iq4Nl::pack(const Iq4Block<kGroups>& in, std::uint8_t* block) noexcept {
  write_f16(in.d, block);
  join_nibbles_32(in.codes.data(), block + 2);
}

void Iq4Xs::pack(const Iq4Block<kGroups>& in, std::uint8_t* block) noexcept {
  write_f16(in.d, block);
  std::fill_n(block + 2, 6, std::uint8_t{0});
  int high = 0;
  for (std::size_t g = 0; g < kGroups; ++g) {
    const int scale = in.scales[g] + 32;
    high |= (scale >> 4) << (2 * g);
    block[4 + g / 2] =
        static_cast<std::uint8_t>(block[4 + g / 2] | ((scale & 15) << (4 * (g % 2))));
    join_nibbles_32(in.codes.data() + 32 * g, block + 8 + 16 * g);
  }
  block[2] = static_cast<std::uint8_t>(high & 0xFF);
  block[3] = static_cast<std::uint8_t>(high >> 8);
}

}  // namespace nibble::codec
