#include "codec/gguf_blocks_small.h"

namespace nibble::codec {
namespace {

/// Adds bit i of the little-endian word at `qh` to code i, as its fifth bit.
void add_fifth_bits(const std::uint8_t* qh, std::uint8_t* codes) noexcept {
  for (std::size_t i = 0; i < 32; ++i) {
    const int bit = (qh[i / 8] >> (i % 8)) & 1;
    codes[i] = static_cast<std::uint8_t>(codes[i] | (bit << 4));
  }
}

void store_fifth_bits(const std::uint8_t* codes, std::uint8_t* qh) noexcept {
  std::fill_n(qh, 4, std::uint8_t{0});
  for (std::size_t i = 0; i < 32; ++i) {
    const int bit = (codes[i] >> 4) & 1;
    qh[i / 8] = static_cast<std::uint8_t>(qh[i / 8] | (bit << (i % 8)));
  }
}

}  // namespace

void split_nibbles_32(const std::uint8_t* qs, std::uint8_t* codes) noexcept {
  for (std::size_t j = 0; j < 16; ++j) {
    codes[j] = qs[j] & 15U;
    codes[j + 16] = static_cast<std::uint8_t>(qs[j] >> 4);
  }
}

void join_nibbles_32(const std::uint8_t* codes, std::uint8_t* qs) noexcept {
  for (std::size_t j = 0; j < 16; ++j) {
    qs[j] = static_cast<std::uint8_t>((codes[j] & 15) | ((codes[j + 16] & 15) << 4));
  }
}

void Q4_0::unpack(const std::uint8_t* block, Unpacked& out) noexcept {
  out.scales[0] = read_f16(block);
  split_nibbles_32(block + 2, out.codes.data());
}

void Q4_1::unpack(const std::uint8_t* block, Unpacked& out) noexcept {
  out.scales[0] = read_f16(block);
  out.offsets[0] = read_f16(block + 2);
  split_nibbles_32(block + 4, out.codes.data());
}

void Q5_0::unpack(const std::uint8_t* block, Unpacked& out) noexcept {
  out.scales[0] = read_f16(block);
  split_nibbles_32(block + 6, out.codes.data());
  add_fifth_bits(block + 2, out.codes.data());
}

void Q5_1::unpack(const std::uint8_t* block, Unpacked& out) noexcept {
  out.scales[0] = read_f16(block);
  out.offsets[0] = read_f16(block + 2);
  split_nibbles_32(block + 8, out.codes.data());
  add_fifth_bits(block + 4, out.codes.data());
}

void Q8_0::unpack(const std::uint8_t* block, Unpacked& out) noexcept {
  out.scales[0] = read_f16(block);
  for (std::size_t i = 0; i < 32; ++i) {
    out.codes[i] = block[2 + i] ^ 0x80U;  // int8 q as q + 128
  }
}

void Q4_0::pack(const SmallBlock& in, std::uint8_t* block) noexcept {
  write_f16(in.d, block);
  join_nibbles_32(in.codes.data(), block + 2);
}

void Q4_1::pack(const SmallBlock& in, std::uint8_t* block) noexcept {
  write_f16(in.d, block);
  write_f16(in.m, block + 2);
  join_nibbles_32(in.codes.data(), block + 4);
}

void Q5_0::pack(const SmallBlock& in, std::uint8_t* block) noexcept {
  write_f16(in.d, block);
  store_fifth_bits(in.codes.data(), block + 2);
  join_nibbles_32(in.codes.data(), block + 6);
}

void Q5_1::pack(const SmallBlock& in, std::uint8_t* block) noexcept {
  write_f16(in.d, block);
  write_f16(in.m, block + 2);
  store_fifth_bits(in.codes.data(), block + 4);
  join_nibbles_32(in.codes.data(), block + 8);
}

void Q8_0::pack(const SmallBlock& in, std::uint8_t* block) noexcept {
  write_f16(in.d, block);
  for (std::size_t i = 0; i < 32; ++i) {
    block[2 + i] = in.codes[i] ^ 0x80U;
  }
}

}  // namespace nibble::codec
