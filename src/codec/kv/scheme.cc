#include "codec/kv/scheme.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/suggest.h"

namespace nibble::codec {
namespace {

constexpr std::size_t kKiviResidual = 128;  // the reference's residual_length

constexpr KvScheme kivi(std::string_view name, std::string_view summary, std::size_t bits) {
  return {.name = name,
          .summary = summary,
          .keys = {KvKind::kChannelGroups, bits},
          .values = {KvKind::kTokenGroups, bits},
          .residual = kKiviResidual};
}

constexpr KvScheme kvquant(std::string_view name, std::string_view summary, std::size_t bits) {
  return {.name = name,
          .summary = summary,
          .keys = {KvKind::kChannelLevels, bits},
          .values = {KvKind::kTokenLevels, bits},
          .n_sinks = 1,
          .keys_before_rope = true};
}

constexpr KvScheme plain(std::string_view name, std::string_view summary, std::size_t bits) {
  return {.name = name,
          .summary = summary,
          .keys = {KvKind::kTokenGroups, bits},
          .values = {KvKind::kTokenGroups, bits}};
}

constexpr std::array kSchemes = {
    KvScheme{.name = "f32", .summary = "float32", .float_dtype = DType::kF32},
    KvScheme{.name = "f16", .summary = "binary16", .float_dtype = DType::kF16},
    plain("int8", "8 bits, a grid for 32 channels of a token", 8),
    plain("int4", "4 bits, a grid for 32 channels of a token", 4),
    kivi("kivi-4", "KIVI, 4 bits: keys per channel, values per token, newest 128 as floats", 4),
    kivi("kivi-2", "KIVI, 2 bits: keys per channel, values per token, newest 128 as floats", 2),
    kvquant("kvquant-4", "KVQuant, 16 levels, 1 % outliers, first token as floats", 4),
    kvquant("kvquant-3", "KVQuant, 8 levels, 1 % outliers, first token as floats", 3)};

constexpr bool residuals_fit() {
  return std::ranges::all_of(
      kSchemes, [](const KvScheme& scheme) { return scheme.residual % kKvPageTokens == 0; });
}
static_assert(residuals_fit());

}  // namespace

std::span<const KvScheme> kv_schemes() noexcept {
  return kSchemes;
}

Result<const KvScheme*> kv_scheme_from_name(std::string_view name) {
  const auto found = std::ranges::find(kSchemes, name, &KvScheme::name);
  if (found != kSchemes.end()) {
    return &*found;
  }
  std::vector<std::string_view> names;
  std::ranges::transform(kSchemes, std::back_inserter(names), &KvScheme::name);
  return fail(ErrorCode::kNotFound,
              "no key/value scheme '{}'{}; there are {}",
              name,
              did_you_mean(name, names),
              kv_scheme_names());
}

std::string kv_scheme_names() {
  std::string out;
  for (const KvScheme& scheme : kSchemes) {
    out += (out.empty() ? "" : ", ") + std::string(scheme.name);
  }
  return out;
}

}  // namespace nibble::codec
