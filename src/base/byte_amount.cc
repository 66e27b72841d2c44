#include "base/byte_amount.h"

#include <charconv>
#include <cmath>

namespace nibble {
namespace {

constexpr double kKibi = 1024;

struct ByteUnit {
  std::string_view name;
  double factor;
};
constexpr ByteUnit kByteUnits[] = {{"B", 1},
                                   {"kB", 1e3},
                                   {"KB", 1e3},
                                   {"MB", 1e6},
                                   {"GB", 1e9},
                                   {"TB", 1e12},
                                   {"KiB", kKibi},
                                   {"MiB", kKibi* kKibi},
                                   {"GiB", kKibi* kKibi* kKibi},
                                   {"TiB", kKibi* kKibi* kKibi* kKibi}};

}  // namespace

std::optional<double> parse_byte_amount(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || !std::isfinite(value) || value < 0) {
    return std::nullopt;
  }
  std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  while (unit.starts_with(' ')) {
    unit.remove_prefix(1);
  }
  for (const ByteUnit& known : kByteUnits) {
    if (unit == known.name) {
      return value * known.factor;
    }
  }
  return std::nullopt;
}

}  // namespace nibble
