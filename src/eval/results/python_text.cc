#include "eval/results/python_text.h"

#include <fmt/format.h>

#include <cmath>

namespace nibble::eval {

std::string python_float(double value) {
  if (std::isnan(value)) {
    return "nan";
  }
  std::string text = fmt::format("{}", value);
  if (std::isfinite(value) && text.find_first_of(".e") == std::string::npos) {
    text += ".0";
  }
  return text;
}

std::string python_bool(bool value) {
  return value ? "True" : "False";
}

}  // namespace nibble::eval
