#include "codec/kv/page_read.h"

#include <cstring>

#include "tensor/half.h"

namespace nibble::codec {
namespace {

unsigned get_code(const std::uint8_t* bytes, std::size_t index, std::size_t bits) noexcept {
  const std::size_t bit = index * bits;
  const std::size_t shift = bit % 8;
  unsigned word = bytes[bit / 8];
  if (shift + bits > 8) {
    word |= static_cast<unsigned>(bytes[bit / 8 + 1]) << 8;
  }
  return word >> shift & ((1U << bits) - 1U);
}

template <class T>
T load(const std::uint8_t* bytes, std::size_t index) noexcept {
  T out;
  std::memcpy(&out, bytes + index * sizeof out, sizeof out);
  return out;
}

/// One token of one head of one block.
class TokenReader {
 public:
  TokenReader(const KvReadBlock& block, const KvTables* tables, std::size_t head) noexcept
      : layout_(kv_layout(block.format, block.shape)),
        block_(block),
        tables_(tables),
        head_(head),
        codes_(block.bytes + head * layout_.head_bytes) {}

  [[nodiscard]] float at(std::size_t slot, std::size_t dim) const noexcept {
    const std::size_t head_dim = block_.shape.head_dim;
    const std::size_t bits = block_.format.bits;
    switch (block_.format.kind) {
      case KvKind::kTokenGroups:
        return on_grid(get_code(codes_, slot * head_dim + dim, bits),
                       slot * ceil_div(head_dim, kKvGroup) + dim / kKvGroup);
      case KvKind::kChannelGroups: {
        const std::size_t row = slot / kKvGroup * head_dim + dim;
        return on_grid(get_code(codes_, row * kKvGroup + slot % kKvGroup, bits), row);
      }
      case KvKind::kChannelLevels: {
        const std::size_t channel = head_ * head_dim + dim;
        return tables_->key_levels[get_code(codes_, dim * kKvPageTokens + slot, bits)] *
                   tables_->key_half[channel] +
               tables_->key_middle[channel];
      }
      case KvKind::kTokenLevels: {
        const auto pair = load<KvPair>(block_.bytes + layout_.pairs, slot);
        return tables_->value_levels[get_code(codes_, slot * head_dim + dim, bits)] *
                   f16_to_f32(pair.factor) +
               f16_to_f32(pair.offset);
      }
      case KvKind::kFloat:
        break;
    }
    return 0;
  }

  /// Puts what was kept exactly in its place.
  void patch(std::size_t slot, float* row) const noexcept {
    if (layout_.outlier_room == 0) {
      return;
    }
    const std::uint8_t* const ends = block_.bytes + layout_.outliers;
    const std::size_t begin = slot == 0 ? 0 : load<std::uint16_t>(ends, slot - 1);
    const std::size_t end = load<std::uint16_t>(ends, slot);
    const std::size_t first = head_ * block_.shape.head_dim;
    for (std::size_t i = begin; i < end; ++i) {
      const auto entry = load<KvOutlier>(ends + kKvPageTokens * sizeof(std::uint16_t), i);
      if (entry.channel >= first && entry.channel < first + block_.shape.head_dim) {
        row[entry.channel - first] = f16_to_f32(entry.value);
      }
    }
  }

 private:
  [[nodiscard]] float on_grid(unsigned code, std::size_t pair_index) const noexcept {
    const auto pair = load<KvPair>(codes_ + layout_.pairs, pair_index);
    return static_cast<float>(code) * f16_to_f32(pair.factor) + f16_to_f32(pair.offset);
  }

  KvLayout layout_;
  KvReadBlock block_;
  const KvTables* tables_;
  std::size_t head_;
  const std::uint8_t* codes_;
};

}  // namespace

void read_kv_block(const KvReadBlock& block,
                   const KvTables* tables,
                   const KvSlots& slots,
                   float* out) noexcept {
  const TokenReader reader(block, tables, slots.head);
  for (std::size_t t = 0; t < slots.n; ++t) {
    float* const row = out + t * block.shape.head_dim;
    for (std::size_t dim = 0; dim < block.shape.head_dim; ++dim) {
      row[dim] = reader.at(slots.slot + t, dim);
    }
    reader.patch(slots.slot + t, row);
  }
}

}  // namespace nibble::codec
