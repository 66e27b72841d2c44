#include "codec/gguf_kblock.h"

namespace nibble::codec {
namespace {

/// Two-bit codes as q2_k and q3_k store them: 32 bytes hold 128 weights, 32 for each bit pair.
void unpack_bit_pairs(const std::uint8_t* qs, std::uint8_t* codes) noexcept {
  for (std::size_t i = 0; i < 256; ++i) {
    const std::size_t half = i / 128;
    const std::size_t pair = i % 128 / 32;
    codes[i] = (qs[half * 32 + i % 32] >> (2 * pair)) & 3U;
  }
}

void pack_bit_pairs(const std::uint8_t* codes, std::uint8_t* qs) noexcept {
  std::fill_n(qs, 64, std::uint8_t{0});
  for (std::size_t i = 0; i < 256; ++i) {
    std::uint8_t& byte = qs[i / 128 * 32 + i % 32];
    byte = static_cast<std::uint8_t>(byte | ((codes[i] & 3) << (2 * (i % 128 / 32))));
  }
}

/// Bit `which` of each code, as hmask and qh hold it: 32 bytes of one bit for each run of 32
/// weights.
void pack_high_bit(const std::uint8_t* codes, int which, std::uint8_t* bits) noexcept {
  std::fill_n(bits, 32, std::uint8_t{0});
  for (std::size_t i = 0; i < 256; ++i) {
    const int bit = (codes[i] >> which) & 1;
    bits[i % 32] = static_cast<std::uint8_t>(bits[i % 32] | (bit << (i / 32)));
  }
}

/// Nibbles as q4_k and q5_k store them: 32 bytes hold 64 weights, the low nibbles first.
void unpack_nibbles(const std::uint8_t* qs, std::uint8_t* codes) noexcept {
  for (std::size_t chunk = 0; chunk < 4; ++chunk) {
    for (std::size_t l = 0; l < 32; ++l) {
      const std::uint8_t byte = qs[chunk * 32 + l];
      codes[chunk * 64 + l] = byte & 15U;
      codes[chunk * 64 + 32 + l] = static_cast<std::uint8_t>(byte >> 4);
    }
  }
}

void pack_nibbles(const std::uint8_t* codes, std::uint8_t* qs) noexcept {
  for (std::size_t i = 0; i < 128; ++i) {
    const std::uint8_t* low = codes + i / 32 * 64 + i % 32;
    qs[i] = static_cast<std::uint8_t>((low[0] & 15) | ((low[32] & 15) << 4));
  }
}

/// The eight 6-bit scales and minimums of q4_k and q5_k.
void unpack_scales_and_mins(const std::uint8_t* block, SuperBlock<8>& out) noexcept {
  out.d = read_f16(block);
  out.dmin = read_f16(block + 2);
  const std::uint8_t* s = block + 4;
  for (std::size_t j = 0; j < 8; ++j) {
    int scale = s[j] & 63;
    int min = s[j + 4] & 63;
    if (j >= 4) {
      scale = (s[j + 4] & 15) | ((s[j - 4] >> 6) << 4);
      min = (s[j + 4] >> 4) | ((s[j] >> 6) << 4);
    }
    out.scales[j] = static_cast<std::int8_t>(scale);
    out.mins[j] = static_cast<std::int8_t>(min);
  }
}

void pack_scales_and_mins(const SuperBlock<8>& in, std::uint8_t* block) noexcept {
  write_f16(in.d, block);
  write_f16(in.dmin, block + 2);
  std::uint8_t* s = block + 4;
  for (std::size_t j = 0; j < 4; ++j) {
    const int scale = in.scales[j + 4];
    const int min = in.mins[j + 4];
    s[j] = static_cast<std::uint8_t>(in.scales[j] | ((scale >> 4) << 6));
    s[j + 4] = static_cast<std::uint8_t>(in.mins[j] | ((min >> 4) << 6));
    s[j + 8] = static_cast<std::uint8_t>((scale & 15) | ((min & 15) << 4));
  }
}

/// The scales and offsets of one block multiplied out.
template <class Format>
void multiply_scales(const std::uint8_t* block, typename Format::Unpacked& out) noexcept {
  SuperBlock<Format::kGroups> super;
  Format::unpack_scales(block, super);
  for (std::size_t g = 0; g < Format::kGroups; ++g) {
    out.scales[g] = super.d * static_cast<float>(super.scales[g]);
    if constexpr (Format::kLevels == Levels::kAffine) {
      out.offsets[g] = -(super.dmin * static_cast<float>(super.mins[g]));
    }
  }
}

}  // namespace

void Q2K::unpack_scales(const std::uint8_t* block, SuperBlock<kGroups>& out) noexcept {
  out.d = read_f16(block + 80);
  out.dmin = read_f16(block + 82);
  for (std::size_t g = 0; g < kGroups; ++g) {
    out.scales[g] = static_cast<std::int8_t>(block[g] & 15);
    out.mins[g] = static_cast<std::int8_t>(block[g] >> 4);
  }
}

void Q2K::unpack(const std::uint8_t* block, Unpacked& out) noexcept {
  multiply_scales<Q2K>(block, out);
  unpack_bit_pairs(block + 16, out.codes.data());
}

void Q3K::unpack_scales(const std::uint8_t* block, SuperBlock<kGroups>& out) noexcept {
  const std::uint8_t* s = block + 96;
  out.d = read_f16(block + 108);
  for (std::size_t g = 0; g < kGroups; ++g) {
    const int low = g < 8 ? s[g] & 15 : s[g - 8] >> 4;
    const int high = (s[8 + g % 4] >> (2 * (g / 4))) & 3;
    out.scales[g] = static_cast<std::int8_t>((low | (high << 4)) - 32);
  }
}

void Q3K::unpack(const std::uint8_t* block, Unpacked& out) noexcept {
  const std::uint8_t* hmask = block;
  multiply_scales<Q3K>(block, out);
  unpack_bit_pairs(block + 32, out.codes.data());
  for (std::size_t i = 0; i < 256; ++i) {
    const int bit = (hmask[i % 32] >> (i / 32)) & 1;
    out.codes[i] = static_cast<std::uint8_t>(out.codes[i] | (bit << 2));
  }
}

void Q4K::unpack_scales(const std::uint8_t* block, SuperBlock<kGroups>& out) noexcept {
  unpack_scales_and_mins(block, out);
}

void Q4K::unpack(const std::uint8_t* block, Unpacked& out) noexcept {
  multiply_scales<Q4K>(block, out);
  unpack_nibbles(block + 16, out.codes.data());
}

void Q5K::unpack_scales(const std::uint8_t* block, SuperBlock<kGroups>& out) noexcept {
  unpack_scales_and_mins(block, out);
}

void Q5K::unpack(const std::uint8_t* block, Unpacked& out) noexcept {
  const std::uint8_t* qh = block + 16;
  multiply_scales<Q5K>(block, out);
  unpack_nibbles(block + 48, out.codes.data());
  for (std::size_t i = 0; i < 256; ++i) {
    const int bit = (qh[i % 32] >> (i / 32)) & 1;
    out.codes[i] = static_cast<std::uint8_t>(out.codes[i] | (bit << 4));
  }
}

void Q6K::unpack_scales(const std::uint8_t* block, SuperBlock<kGroups>& out) noexcept {
  out.d = read_f16(block + 208);
  for (std::size_t g = 0; g < kGroups; ++g) {
    out.scales[g] = static_cast<std::int8_t>(block[192 + g]);
  }
}

void Q6K::unpack(const std::uint8_t* block, Unpacked& out) noexcept {
  multiply_scales<Q6K>(block, out);
  for (std::size_t half = 0; half < 2; ++half) {
    const std::uint8_t* ql = block + half * 64;
    const std::uint8_t* qh = block + 128 + half * 32;
    for (std::size_t i = 0; i < 128;
         ++i) {  // four runs of 32: which nibble of ql, which bit pair of qh
      const std::size_t run = i / 32;
      const std::size_t l = i % 32;
      const int low = (ql[l + 32 * (run % 2)] >> (run < 2 ? 0 : 4)) & 15;
      const int high = (qh[l] >> (2 * run)) & 3;
      out.codes[half * 128 + i] = static_cast<std::uint8_t>(low | (high << 4));
    }
  }
}

void Q2K::pack(const SuperBlock<kGroups>& in,
               const std::uint8_t* codes,
               std::uint8_t* block) noexcept {
  for (std::size_t g = 0; g < kGroups; ++g) {
    block[g] = static_cast<std::uint8_t>(in.scales[g] | (in.mins[g] << 4));
  }
  pack_bit_pairs(codes, block + 16);
  write_f16(in.d, block + 80);
  write_f16(in.dmin, block + 82);
}

void Q3K::pack(const SuperBlock<kGroups>& in,
               const std::uint8_t* codes,
               std::uint8_t* block) noexcept {
  pack_high_bit(codes, 2, block);
  pack_bit_pairs(codes, block + 32);
  std::uint8_t* s = block + 96;
  std::fill_n(s, 12, std::uint8_t{0});
  for (std::size_t g = 0; g < kGroups; ++g) {
    const int scale = in.scales[g] + 32;
    s[g % 8] = static_cast<std::uint8_t>(s[g % 8] | ((scale & 15) << (g < 8 ? 0 : 4)));
    s[8 + g % 4] = static_cast<std::uint8_t>(s[8 + g % 4] | ((scale >> 4) << (2 * (g / 4))));
  }
  write_f16(in.d, block + 108);
}

void Q4K::pack(const SuperBlock<kGroups>& in,
               const std::uint8_t* codes,
               std::uint8_t* block) noexcept {
  pack_scales_and_mins(in, block);
  pack_nibbles(codes, block + 16);
}

void Q5K::pack(const SuperBlock<kGroups>& in,
               const std::uint8_t* codes,
               std::uint8_t* block) noexcept {
  pack_scales_and_mins(in, block);
  pack_high_bit(codes, 4, block + 16);
  pack_nibbles(codes, block + 48);
}

void Q6K::pack(const SuperBlock<kGroups>& in,
               const std::uint8_t* codes,
               std::uint8_t* block) noexcept {
  std::fill_n(block, 192, std::uint8_t{0});
  for (std::size_t i = 0; i < 256; ++i) {
    const std::size_t half = i / 128;
    const std::size_t run = i % 128 / 32;
    std::uint8_t& low = block[half * 64 + i % 32 + 32 * (run % 2)];
    std::uint8_t& high = block[128 + half * 32 + i % 32];
    low = static_cast<std::uint8_t>(low | ((codes[i] & 15) << (run < 2 ? 0 : 4)));
    high = static_cast<std::uint8_t>(high | ((codes[i] >> 4) << (2 * run)));
  }
  std::ranges::copy(in.scales, block + 192);
  write_f16(in.d, block + 208);
}

}  // namespace nibble::codec
