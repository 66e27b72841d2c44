#include "codec/kv/page_write.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "codec/bit_stream.h"
#include "tensor/half.h"

namespace nibble::codec {
namespace {

constexpr std::size_t kMaxDim = 512;

/// Replaces code `index` of a bit stream.
void put_code(std::uint8_t* bytes, std::size_t index, std::size_t bits, unsigned code) noexcept {
  const std::size_t bit = index * bits;
  const auto shift = static_cast<unsigned>(bit % 8);
  const unsigned mask = ((1U << bits) - 1U) << shift;
  std::uint8_t* const at = bytes + bit / 8;
  at[0] = static_cast<std::uint8_t>((at[0] & ~mask) | (code << shift));
  if (mask > 0xFFU) {
    at[1] = static_cast<std::uint8_t>((at[1] & ~(mask >> 8)) | (code << shift >> 8));
  }
}

KvPair pair_of(float factor, float offset) noexcept {
  return {f32_to_f16(factor), f32_to_f16(offset)};
}

/// The outliers of a block, of which those of `slot` are about to be written.
class OutlierList {
 public:
  OutlierList(const KvBlock& block, const KvLayout& layout, std::size_t slot) noexcept
      : at_(block.bytes + layout.outliers), room_(layout.outlier_room), slot_(slot) {
    if (slot > 0) {
      std::memcpy(&n_, at_ + (slot - 1) * sizeof n_, sizeof n_);
    }
  }
  ~OutlierList() { std::memcpy(at_ + slot_ * sizeof n_, &n_, sizeof n_); }
  OutlierList(const OutlierList&) = delete;
  OutlierList& operator=(const OutlierList&) = delete;

  void add(std::size_t channel, float value) noexcept {
    if (n_ < room_) {
      const KvOutlier entry{static_cast<std::uint16_t>(channel), f32_to_f16(value)};
      std::memcpy(at_ + kKvPageTokens * sizeof n_ + n_ * sizeof entry, &entry, sizeof entry);
      ++n_;
    }
  }

 private:
  std::uint8_t* at_;
  std::size_t room_;
  std::size_t slot_;
  std::uint16_t n_ = 0;
};

}  // namespace

void write_token_groups(const KvBlock& block, std::span<const float> x, std::size_t slot) noexcept {
  const auto& [format, shape, bytes] = block;
  const KvLayout layout = kv_layout(format, shape);
  const std::size_t n_groups = ceil_div(shape.head_dim, kKvGroup);
  std::array<std::uint8_t, kMaxDim> codes;
  for (std::size_t head = 0; head < shape.n_heads; ++head) {
    std::uint8_t* const to = bytes + head * layout.head_bytes;
    for (std::size_t group = 0; group < n_groups; ++group) {
      const std::size_t first = group * kKvGroup;
      const std::size_t n = std::min(kKvGroup, shape.head_dim - first);
      const GroupGrid grid = code_group(x.subspan(head * shape.head_dim + first, n),
                                        format.bits,
                                        KvRounding::kHalf,
                                        std::span(codes).subspan(first, n));
      const KvPair pair = pair_of(grid.scale, grid.min);
      std::memcpy(to + layout.pairs + (slot * n_groups + group) * sizeof pair, &pair, sizeof pair);
    }
    const std::size_t row_bytes = packed_bytes(shape.head_dim, format.bits);
    pack_codes(
        std::span(codes).first(shape.head_dim), format.bits, {to + slot * row_bytes, row_bytes});
  }
}

void write_channel_group(const KvBlock& block,
                         std::span<const float* const, kKvGroup> tokens,
                         std::size_t group) noexcept {
  const auto& [format, shape, bytes] = block;
  const KvLayout layout = kv_layout(format, shape);
  const std::size_t row_bytes = packed_bytes(kKvGroup, format.bits);
  for (std::size_t channel = 0; channel < shape.width(); ++channel) {
    std::array<float, kKvGroup> x;
    std::array<std::uint8_t, kKvGroup> codes;
    std::ranges::transform(tokens, x.begin(), [channel](const float* row) { return row[channel]; });
    const GroupGrid grid = code_group(x, format.bits, KvRounding::kHalf, codes);
    const KvPair pair = pair_of(grid.scale, grid.min);
    std::uint8_t* const to = bytes + channel / shape.head_dim * layout.head_bytes;
    const std::size_t row = group * shape.head_dim + channel % shape.head_dim;
    std::memcpy(to + layout.pairs + row * sizeof pair, &pair, sizeof pair);
    pack_codes(codes, format.bits, {to + row * row_bytes, row_bytes});
  }
}

void write_channel_levels(const KvBlock& block,
                          const KvTables& tables,
                          std::span<const float> x,
                          std::size_t slot) {
  const auto& [format, shape, bytes] = block;
  const KvLayout layout = kv_layout(format, shape);
  const LevelCoder coder(tables.key_levels);
  OutlierList outliers(block, layout, slot);
  for (std::size_t channel = 0; channel < shape.width(); ++channel) {
    const KvSpan span{tables.key_middle[channel], tables.key_half[channel]};
    put_code(bytes + channel / shape.head_dim * layout.head_bytes,
             channel % shape.head_dim * kKvPageTokens + slot,
             format.bits,
             coder.code(span, x[channel]));
    if (is_outside(tables.key_limits[channel], x[channel])) {
      outliers.add(channel, x[channel]);
    }
  }
}

void write_token_levels(const KvBlock& block,
                        const KvTables& tables,
                        std::span<const float> x,
                        std::size_t slot) {
  const auto& [format, shape, bytes] = block;
  const KvLayout layout = kv_layout(format, shape);
  const TokenLimits found = limits_of_token(x);
  const KvPair pair = pair_of(found.limits.span().half, found.limits.span().middle);
  std::memcpy(bytes + layout.pairs + slot * sizeof pair, &pair, sizeof pair);
  const KvSpan span{f16_to_f32(pair.offset), f16_to_f32(pair.factor)};
  const LevelCoder coder(tables.value_levels);
  const std::size_t row_bytes = packed_bytes(shape.head_dim, format.bits);
  std::array<std::uint8_t, kMaxDim> codes;
  for (std::size_t head = 0; head < shape.n_heads; ++head) {
    const auto row = x.subspan(head * shape.head_dim, shape.head_dim);
    std::ranges::transform(
        row, codes.begin(), [&](float value) { return coder.code(span, value); });
    pack_codes(std::span(codes).first(shape.head_dim),
               format.bits,
               {bytes + head * layout.head_bytes + slot * row_bytes, row_bytes});
  }
  OutlierList outliers(block, layout, slot);
  for (const std::uint16_t channel : found.outliers) {
    outliers.add(channel, x[channel]);
  }
}

}  // namespace nibble::codec
