#include "app/quantity.h"

#include <charconv>
#include <cmath>
#include <optional>
#include <span>

#include "base/byte_amount.h"

namespace nibble::app {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr Unit kMilliseconds[] = {{"us", 1e-3}, {"ms", 1}, {"s", 1e3}};
constexpr Unit kJoules[] = {{"uJ", 1e-6}, {"mJ", 1e-3}, {"J", 1}};

/// The number that the text begins with, and the rest of it.
struct Amount {
  double value;
  std::string_view rest;
};

std::optional<Amount> split(std::string_view text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || !std::isfinite(value) || value < 0) {
    return std::nullopt;
  }
  std::string_view rest = text.substr(static_cast<std::size_t>(end - text.data()));
  while (rest.starts_with(' ')) {
    rest.remove_prefix(1);
  }
  return Amount{value, rest};
}

Failure refuse(std::string_view text, std::string_view option, std::string_view wanted) {
  return fail(ErrorCode::kInvalidArgument,
              "{}: '{}', wanted an amount with its unit, like {}",
              option,
              text,
              wanted);
}

Result<double> parse(std::string_view text,
                     std::string_view option,
                     std::span<const Unit> units,
                     std::string_view wanted) {
  if (const auto amount = split(text)) {
    for (const Unit& unit : units) {
      if (amount->rest == unit.name) {
        return amount->value * unit.factor;
      }
    }
  }
  return refuse(text, option, wanted);
}

}  // namespace

Result<double> parse_bytes(std::string_view text, std::string_view option) {
  if (const auto n_bytes = parse_byte_amount(text)) {
    return *n_bytes;
  }
  return refuse(text, option, "8GiB or 500MB");
}

Result<double> parse_milliseconds(std::string_view text, std::string_view option) {
  return parse(text, option, kMilliseconds, "500ms or 2s");
}

Result<double> parse_joules(std::string_view text, std::string_view option) {
  return parse(text, option, kJoules, "20mJ or 0.5J");
}

Result<TaskMargin> parse_margin(std::string_view text, std::string_view option) {
  const std::size_t colon = text.rfind(':');
  const bool has_task = colon != std::string_view::npos;
  const auto amount = split(has_task ? text.substr(colon + 1) : text);
  const bool is_relative = amount && amount->rest == "%";
  if (!amount || (!amount->rest.empty() && !is_relative) || colon == 0) {
    return fail(ErrorCode::kInvalidArgument,
                "{}: '{}', wanted [TASK:]POINTS or [TASK:]PERCENT%, like arc_easy:1.5 or 5%",
                option,
                text);
  }
  return TaskMargin{std::string(has_task ? text.substr(0, colon) : ""),
                    {amount->value, is_relative}};
}

}  // namespace nibble::app
