/// The arithmetic modes, named in every result.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace nibble {

enum class Arithmetic : std::uint8_t {
  kF32,     ///< slow reference: weights decoded exactly, float32 products and sums
  kNative,  ///< fastest on the device: int8 activations against integer codes, bfloat16 elsewhere
};

std::string_view arithmetic_name(Arithmetic mode) noexcept;  ///< "f32", "native"
std::optional<Arithmetic> arithmetic_from_name(std::string_view name) noexcept;

}  // namespace nibble
