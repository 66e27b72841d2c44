#include "report/page/digits.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace nibble::report {

std::optional<double> seven_digits(std::optional<double> value) {
  if (!value || !std::isfinite(*value)) {
    return std::nullopt;
  }
  const std::string text = fmt::format("{:.7g}", *value);
  double out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

}  // namespace nibble::report
