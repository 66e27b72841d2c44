#include "ops/coded_kv.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "base/error.h"
#include "codec/kv/page_write.h"
#include "kernels/select.h"
#include "ops/attention.h"
#include "tensor/half.h"

namespace nibble::ops {
namespace {

using codec::kKvGroup;
using codec::kKvPageTokens;
using codec::KvKind;

/// New tokens of one page of one sequence.
struct PagePart {
  const AttentionSequence* sequence;
  std::size_t page;
  std::size_t slot;   ///< of the first
  std::size_t token;  ///< the first, within the sequence's new ones
  std::size_t n;
};

std::vector<PagePart> split_by_page(std::span<const AttentionSequence> sequences) {
  std::vector<PagePart> parts;
  for (const AttentionSequence& sequence : sequences) {
    for (std::size_t token = 0; token < sequence.n_tokens;) {
      const std::size_t position = sequence.start_position + token;
      const std::size_t slot = position % kKvPageTokens;
      const std::size_t n = std::min(kKvPageTokens - slot, sequence.n_tokens - token);
      parts.push_back({&sequence, position / kKvPageTokens, slot, token, n});
      token += n;
    }
  }
  return parts;
}

/// Writes the tokens of one part.
class PageWriter {
 public:
  PageWriter(const AttentionShape& shape, const PagePart& part)
      : shape_(shape),
        scheme_(*shape.coding->scheme),
        part_(part),
        kv_{shape.n_kv_heads, shape.head_dim} {}

  void write(MatrixView<const float> k, MatrixView<const float> v) const {
    const KvPageView& page = part_.sequence->pages[part_.page];
    for (std::size_t t = 0; t < part_.n; ++t) {
      const std::size_t row = part_.sequence->first_row + part_.token + t;
      const std::size_t slot = part_.slot + t;
      keep_floats(k.row(row), v.row(row), slot);
      write_token(block(scheme_.keys, page.keys), k.row_span(row), slot);
      write_token(block(scheme_.values, page.values), v.row_span(row), slot);
    }
    if (scheme_.keys.kind == KvKind::kChannelGroups) {
      write_full_groups(block(scheme_.keys, page.keys));
    }
  }

 private:
  [[nodiscard]] codec::KvBlock block(const codec::KvFormat& format, void* bytes) const {
    return {format, kv_, static_cast<std::uint8_t*>(bytes)};
  }

  void write_token(const codec::KvBlock& block, std::span<const float> x, std::size_t slot) const {
    switch (block.format.kind) {
      case KvKind::kTokenGroups:
        return codec::write_token_groups(block, x, slot);
      case KvKind::kChannelLevels:
        return codec::write_channel_levels(block, *shape_.coding->tables, x, slot);
      case KvKind::kTokenLevels:
        return codec::write_token_levels(block, *shape_.coding->tables, x, slot);
      case KvKind::kChannelGroups:
      case KvKind::kFloat:
        return;
    }
  }

  /// Element of the floats where a head's token starts.
  [[nodiscard]] std::size_t float_at(std::size_t head, std::size_t slot) const {
    return (head * float_tokens(scheme_) + slot) * kv_.head_dim;
  }

  void keep_floats(const float* k, const float* v, std::size_t slot) const {
    const bool is_kept =
        scheme_.residual > 0 || part_.page * kKvPageTokens + slot < scheme_.n_sinks;
    if (!is_kept) {
      return;
    }
    const KvPageView& floats = part_.sequence->floats[part_.page];
    for (std::size_t head = 0; head < kv_.n_heads; ++head) {
      keep_row(k + head * kv_.head_dim, floats.keys, float_at(head, slot));
      keep_row(v + head * kv_.head_dim, floats.values, float_at(head, slot));
    }
  }

  void keep_row(const float* x, void* to, std::size_t at) const {
    if (shape_.kv_dtype == DType::kF32) {
      std::memcpy(static_cast<float*>(to) + at, x, kv_.head_dim * sizeof(float));
    } else {
      kernels::kernels().attention->to_f16(x, static_cast<std::uint16_t*>(to) + at, kv_.head_dim);
    }
  }

  [[nodiscard]] float float_of(const void* floats, std::size_t at) const {
    return shape_.kv_dtype == DType::kF32
               ? static_cast<const float*>(floats)[at]
               : f16_to_f32(static_cast<const std::uint16_t*>(floats)[at]);
  }

  /// Codes the groups of 32 tokens whose last one is among the new.
  void write_full_groups(const codec::KvBlock& block) const {
    const void* const keys = part_.sequence->floats[part_.page].keys;
    for (std::size_t group = 0; group < kKvPageTokens / kKvGroup; ++group) {
      const std::size_t last = (group + 1) * kKvGroup - 1;
      if (last < part_.slot || last >= part_.slot + part_.n) {
        continue;
      }
      std::vector<float> rows(kKvGroup * kv_.width());
      std::array<const float*, kKvGroup> tokens;
      for (std::size_t t = 0; t < kKvGroup; ++t) {
        tokens[t] = rows.data() + t * kv_.width();
        for (std::size_t i = 0; i < kv_.width(); ++i) {
          const std::size_t from = float_at(i / kv_.head_dim, group * kKvGroup + t);
          rows[t * kv_.width() + i] = float_of(keys, from + i % kv_.head_dim);
        }
      }
      codec::write_channel_group(block, tokens, group);
    }
  }

  const AttentionShape& shape_;
  const codec::KvScheme& scheme_;
  const PagePart& part_;
  codec::KvShape kv_;
};

}  // namespace

void check_coding(const AttentionShape& shape) {
  const codec::KvScheme& scheme = *shape.coding->scheme;
  if (shape.head_dim % 16 != 0) {
    raise(ErrorCode::kUnsupported,
          "key/value scheme {}: heads of {}, a multiple of 16 is wanted",
          scheme.name,
          shape.head_dim);
  }
  if (shape.page_tokens != kKvPageTokens) {
    raise(ErrorCode::kShapeMismatch,
          "key/value scheme {}: pages of {} tokens, {} are wanted",
          scheme.name,
          shape.page_tokens,
          kKvPageTokens);
  }
  if (scheme.needs_tables()) {
    if (shape.coding->tables == nullptr) {
      raise(ErrorCode::kShapeMismatch, "key/value scheme {}: no tables", scheme.name);
    }
    codec::check_kv_tables(
        *shape.coding->tables, {shape.n_kv_heads, shape.head_dim}, scheme.keys.bits)
        .take();
  }
  if (scheme.keys_before_rope &&
      (shape.coding->rotations == nullptr ||
       shape.coding->rotations->inverse_frequency().size() * 2 != shape.head_dim)) {
    raise(ErrorCode::kShapeMismatch, "key/value scheme {}: no rotations", scheme.name);
  }
}

void store_coded_kv(const AttentionShape& shape,
                    MatrixView<const float> k,
                    MatrixView<const float> v,
                    std::span<const AttentionSequence> sequences,
                    ThreadPool& pool) {
  const std::vector<PagePart> parts = split_by_page(sequences);
  pool.run(parts.size(),
           [&](std::size_t i, std::size_t /*worker*/) { PageWriter(shape, parts[i]).write(k, v); });
}

}  // namespace nibble::ops
