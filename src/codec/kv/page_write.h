/// Writes tokens into blocks of coded keys or values.
///
/// A slot may be written again: codes are replaced, and the outliers of it and of later slots go.
///
/// Shapes     x [n_heads * head_dim], as each of `tokens`
/// Requires   slots are written in ascending order from where a sequence goes on; block holds
///            kv_layout(format, shape).n_bytes
/// Precision  groups with halves as KIVI's; spans rounded to halves before codes are chosen
/// Source     our own
#pragma once

#include <cstdint>
#include <span>

#include "codec/kv/tables.h"

namespace nibble::codec {

/// A block and what it holds.
struct KvBlock {
  KvFormat format;
  KvShape shape;
  std::uint8_t* bytes = nullptr;
};

void write_token_groups(const KvBlock& block, std::span<const float> x, std::size_t slot) noexcept;

/// Codes the 32 tokens of group 0 or 1; tokens[t] is the vector of one.
void write_channel_group(const KvBlock& block,
                         std::span<const float* const, kKvGroup> tokens,
                         std::size_t group) noexcept;

void write_channel_levels(const KvBlock& block,
                          const KvTables& tables,
                          std::span<const float> x,
                          std::size_t slot);

void write_token_levels(const KvBlock& block,
                        const KvTables& tables,
                        std::span<const float> x,
                        std::size_t slot);

}  // namespace nibble::codec
