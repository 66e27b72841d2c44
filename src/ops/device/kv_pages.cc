#include "ops/device/kv_pages.h"

#include "ops/coded_kv.h"

namespace nibble::ops {
namespace {

using kernels::cuda::KvBlock;
using kernels::cuda::KvPages;
using kernels::cuda::PageKind;

constexpr std::size_t kBytesOfHalf = 2;
constexpr std::size_t kLevelRoom = 16;

static_assert(
    static_cast<int>(PageKind::kFloat) == static_cast<int>(codec::KvKind::kFloat) &&
    static_cast<int>(PageKind::kTokenGroups) == static_cast<int>(codec::KvKind::kTokenGroups) &&
    static_cast<int>(PageKind::kChannelGroups) == static_cast<int>(codec::KvKind::kChannelGroups) &&
    static_cast<int>(PageKind::kChannelLevels) == static_cast<int>(codec::KvKind::kChannelLevels) &&
    static_cast<int>(PageKind::kTokenLevels) == static_cast<int>(codec::KvKind::kTokenLevels));

KvBlock coded_block(const codec::KvFormat& format, const codec::KvShape& shape) {
  const codec::KvLayout layout = codec::kv_layout(format, shape);
  KvBlock block;
  block.kind = static_cast<PageKind>(format.kind);
  block.bits = static_cast<int>(format.bits);
  block.head_bytes = static_cast<int>(layout.head_bytes);
  block.pairs = static_cast<int>(layout.pairs);
  block.outliers = static_cast<int>(layout.outliers);
  block.outlier_room = static_cast<int>(layout.outlier_room);
  return block;
}

/// The ranks that codec::quantile takes at both ends of a token's values.
void set_cuts(KvPages& pages, std::size_t width) {
  for (const int end : {0, 1}) {
    const double share = end == 0 ? codec::kKvOutlierShare / 2 : 1.0 - codec::kKvOutlierShare / 2;
    const double place = share * static_cast<double>(width - 1);
    pages.cut_rank[end] = static_cast<int>(place);
    pages.cut_weight[end] = static_cast<float>(place - static_cast<double>(pages.cut_rank[end]));
  }
}

}  // namespace

KvPages layer_pages(const codec::KvScheme& scheme, const codec::KvShape& shape, std::size_t layer) {
  KvPages pages;
  pages.float_tokens =
      static_cast<int>(scheme.is_coded() ? float_tokens(scheme) : codec::kKvPageTokens);
  const std::size_t float_bytes =
      static_cast<std::size_t>(pages.float_tokens) * shape.width() * kBytesOfHalf;
  if (scheme.is_coded()) {
    const std::size_t key_bytes = codec::kv_layout(scheme.keys, shape).n_bytes;
    const std::size_t value_bytes = codec::kv_layout(scheme.values, shape).n_bytes;
    pages.keys = coded_block(scheme.keys, shape);
    pages.values = coded_block(scheme.values, shape);
    pages.keys.at = layer * (key_bytes + value_bytes);
    pages.values.at = pages.keys.at + key_bytes;
  }
  pages.keys.floats_at = layer * 2 * float_bytes;
  pages.values.floats_at = pages.keys.floats_at + float_bytes;
  pages.residual = static_cast<int>(scheme.residual);
  pages.n_sinks = static_cast<int>(scheme.n_sinks);
  set_cuts(pages, shape.width());
  return pages;
}

void append_tables(const codec::KvTables& tables, std::vector<float>& out) {
  for (const std::vector<float>* levels : {&tables.key_levels, &tables.value_levels}) {
    out.insert(out.end(), levels->begin(), levels->end());
    out.resize(out.size() + kLevelRoom - levels->size());
  }
  for (const codec::KvLimits& limits : tables.key_limits) {
    out.insert(out.end(), {limits.lower, limits.upper});
  }
  for (std::size_t i = 0; i < tables.key_limits.size(); ++i) {
    out.insert(out.end(), {tables.key_middle[i], tables.key_half[i]});
  }
}

void point_to_tables(const float* on_device, const codec::KvShape& shape, KvPages& pages) {
  pages.keys.levels = on_device;
  pages.values.levels = on_device + kLevelRoom;
  pages.key_limits = on_device + 2 * kLevelRoom;
  pages.key_spans = pages.key_limits + 2 * shape.width();
}

}  // namespace nibble::ops
