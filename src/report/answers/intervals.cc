#include "report/answers/intervals.h"

#include <fmt/format.h>

#include <cmath>

#include "report/format.h"

namespace nibble::report {
namespace {

using eval::stats::Interval;

constexpr std::size_t kFewestCorrelated = 3;

std::string styled(double value, const NumberStyle& style, Sign sign) {
  const double scaled = value * style.factor;
  std::string text = fmt::format("{:.{}f}", std::abs(scaled), style.digits);
  const bool is_zero = text.find_first_not_of("0.") == std::string::npos;
  if (scaled < 0 && !is_zero) {
    return "\u2212" + text;
  }
  return sign == Sign::kAlways && !is_zero ? "+" + text : text;
}

}  // namespace

std::optional<double> unless_nan(double value) {
  return std::isnan(value) ? std::nullopt : std::optional(value);
}

std::string interval_text(const Interval& interval, const NumberStyle& style, Sign sign) {
  std::string out = styled(interval.value, style, sign);
  if (!std::isnan(interval.low) && !std::isnan(interval.high)) {
    out += fmt::format(
        " [{}, {}]", styled(interval.low, style, sign), styled(interval.high, style, sign));
  }
  return out;
}

Cell interval_cell(const Interval& interval,
                   const NumberStyle& style,
                   Sign sign,
                   std::string_view reason) {
  if (std::isnan(interval.value)) {
    return missing_cell(std::string(reason));
  }
  return {interval_text(interval, style, sign),
          {interval.value, unless_nan(interval.low), unless_nan(interval.high)},
          false};
}

Column interval_column(std::string title, std::string_view machine) {
  return {std::move(title),
          true,
          {std::string(machine), fmt::format("{}_low", machine), fmt::format("{}_high", machine)}};
}

Cell correlation_cell(const eval::stats::Correlation& correlation) {
  if (std::isnan(correlation.value)) {
    return missing_cell(correlation.n < kFewestCorrelated ? "fewer than three questions"
                                                          : "nothing varies");
  }
  const Interval interval{correlation.value, correlation.low, correlation.high, correlation.n};
  std::string text = interval_text(interval, kPlain, Sign::kAlways);
  if (!std::isnan(correlation.p_value)) {
    text += fmt::format(", p {}", p_text(correlation.p_value));
  }
  return {std::move(text),
          {correlation.value,
           unless_nan(correlation.low),
           unless_nan(correlation.high),
           unless_nan(correlation.p_value)},
          false};
}

Column correlation_column(std::string title, std::string_view machine) {
  Column out = interval_column(std::move(title), machine);
  out.machine.push_back(fmt::format("{}_p", machine));
  return out;
}

}  // namespace nibble::report
