#include "codec/kv/tables.h"

#include <algorithm>
#include <cmath>

namespace nibble::codec {
namespace {

bool are_levels(std::span<const float> levels, std::size_t bits) {
  return levels.size() == std::size_t{1} << bits && std::ranges::is_sorted(levels) &&
         std::ranges::all_of(levels, [](float x) { return std::isfinite(x); });
}

}  // namespace

KvTables complete_tables(KvTables tables) {
  tables.key_middle.clear();
  tables.key_half.clear();
  for (const KvLimits& limits : tables.key_limits) {
    tables.key_middle.push_back(limits.span().middle);
    tables.key_half.push_back(limits.span().half);
  }
  return tables;
}

Result<void> check_kv_tables(const KvTables& tables, const KvShape& shape, std::size_t bits) {
  if (!are_levels(tables.key_levels, bits) || !are_levels(tables.value_levels, bits)) {
    return fail(ErrorCode::kCorruptData,
                "tables of keys and values: wanted {} ascending levels each, found {} and {}",
                std::size_t{1} << bits,
                tables.key_levels.size(),
                tables.value_levels.size());
  }
  if (tables.key_limits.size() != shape.width()) {
    return fail(ErrorCode::kCorruptData,
                "tables of keys: limits of {} channels, the model has {}",
                tables.key_limits.size(),
                shape.width());
  }
  const auto is_sound = [](const KvLimits& limits) {
    return std::isfinite(limits.lower) && std::isfinite(limits.upper) &&
           limits.lower <= limits.upper;
  };
  if (!std::ranges::all_of(tables.key_limits, is_sound)) {
    return fail(ErrorCode::kCorruptData, "tables of keys: limits that are no interval");
  }
  return {};
}

}  // namespace nibble::codec
