/// The arithmetic modes, named in every result.
///
/// Deterministic arithmetic is native arithmetic with a promise: what a request is answered does
/// not depend on the batches, their order, shared prefixes or the number of threads, bit for bit,
/// on one kind of processor (docs/decisions/0007).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace nibble {

enum class Arithmetic : std::uint8_t {
  kF32,            ///< slow reference: weights decoded exactly, float32 products and sums
  kNative,         ///< fastest on the device: int8 activations against integer codes, else bfloat16
  kDeterministic,  ///< native, in an order of sums that no batch changes
};

/// "f32", "native", "deterministic"
std::string_view arithmetic_name(Arithmetic mode) noexcept;
std::optional<Arithmetic> arithmetic_from_name(std::string_view name) noexcept;
/// What `arithmetic_from_name` knows, for messages: "f32, native or deterministic".
inline constexpr std::string_view kArithmeticNames = "f32, native or deterministic";

}  // namespace nibble
