#include "base/arithmetic.h"

namespace nibble {

std::string_view arithmetic_name(Arithmetic mode) noexcept {
  switch (mode) {
    case Arithmetic::kF32:
      return "f32";
    case Arithmetic::kNative:
      return "native";
    case Arithmetic::kDeterministic:
      return "deterministic";
  }
  return "unknown";
}

std::optional<Arithmetic> arithmetic_from_name(std::string_view name) noexcept {
  for (const Arithmetic mode :
       {Arithmetic::kF32, Arithmetic::kNative, Arithmetic::kDeterministic}) {
    if (name == arithmetic_name(mode)) {
      return mode;
    }
  }
  return std::nullopt;
}

}  // namespace nibble
