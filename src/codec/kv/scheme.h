/// The table of key/value schemes: from a name, as it stands in recipes, studies and reports, to
/// how keys and values are kept.
///
/// A query at position p sees its own past as decoding token by token would have left it, however
/// its prompt was cut: with a residual R, keys below p - p % R and values below p - R are coded,
/// the others are floats.
///
/// Requires   a residual is a multiple of kKvPageTokens
/// Errors     kv_scheme_from_name: kNotFound, with the nearest known name
/// Source     KIVI: arXiv 2402.02750; KVQuant: arXiv 2401.18079; our own code
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "codec/kv/page.h"
#include "tensor/dtype.h"

namespace nibble::codec {

struct KvScheme {
  std::string_view name;
  std::string_view summary;
  KvFormat keys = {};
  KvFormat values = {};
  DType float_dtype = DType::kF32;  ///< of schemes that code nothing
  std::size_t residual = 0;         ///< newest tokens kept as floats
  std::size_t n_sinks = 0;          ///< oldest tokens kept as floats
  bool keys_before_rope = false;    ///< keys are coded unrotated, and rotated when read

  [[nodiscard]] constexpr bool is_coded() const noexcept { return keys.kind != KvKind::kFloat; }
  [[nodiscard]] constexpr bool needs_tables() const noexcept {
    return keys.kind == KvKind::kChannelLevels;
  }
};

std::span<const KvScheme> kv_schemes() noexcept;
Result<const KvScheme*> kv_scheme_from_name(std::string_view name);
/// "f32, f16, int8, …", for messages.
std::string kv_scheme_names();

}  // namespace nibble::codec
