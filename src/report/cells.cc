#include "report/cells.h"

#include <fmt/format.h>

#include "report/format.h"

namespace nibble::report {

Cell number_cell(const Known<double>& known, double factor) {
  if (!known.value) {
    return missing_cell(known.reason);
  }
  const double value = *known.value * factor;
  return {number_text(value), {value}, false};
}

Cell percent_cell(const Known<double>& known) {
  return known.value ? Cell{fmt::format("{:.1f} %", *known.value * 100), {*known.value}, false}
                     : missing_cell(known.reason);
}

Cell spread_cell(const Known<Spread>& known, double factor) {
  if (!known.value) {
    return missing_cell(known.reason);
  }
  const Spread& s = *known.value;
  std::string text = number_text(s.median * factor);
  if (s.n > 1) {
    text += fmt::format(" [{}, {}]", number_text(s.min * factor), number_text(s.max * factor));
  }
  return {std::move(text),
          {s.median * factor, s.min * factor, s.max * factor, static_cast<double>(s.n)},
          false};
}

Cell median_cell(const Known<Spread>& known, double factor) {
  return number_cell(median_known(known), factor);
}

Cell ratio_cell(const Known<double>& known) {
  return known.value ? Cell{fmt::format("{:.2f}\u00d7", *known.value), {*known.value}, false}
                     : missing_cell(known.reason);
}

Known<double> ratio_of(const Known<double>& a, const Known<double>& b) {
  if (!a.value || !b.value) {
    return {{}, a.value ? b.reason : a.reason};
  }
  return *b.value == 0 ? Known<double>{{}, "compared with zero"}
                       : Known<double>{*a.value / *b.value, ""};
}

Column number_column(std::string title, std::string machine) {
  return {std::move(title), true, {std::move(machine)}};
}

std::vector<std::string> spread_columns(std::string_view name) {
  return {fmt::format("{}_median", name),
          fmt::format("{}_min", name),
          fmt::format("{}_max", name),
          fmt::format("{}_repetitions", name)};
}

}  // namespace nibble::report
