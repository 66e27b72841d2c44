/// Amounts as people write them on a command line: "8GiB", "500ms", "20mJ", "arc_easy:1.5".
///
///   memory  B, kB, MB, GB, TB (powers of 1000), KiB, MiB, GiB, TiB (of 1024)
///   time    us, ms, s;  energy  uJ, mJ, J
///   loss    [task:]amount[%]; with % of the reference's value, else points or the metric's unit
///
/// Errors     kInvalidArgument "option: 'text', wanted ..."; a number alone has no unit and is
///            refused, so is one below 0 or one that is not finite
/// Source     our own
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "report/advice/limits.h"

namespace nibble::app {

Result<double> parse_bytes(std::string_view text, std::string_view option);
Result<double> parse_milliseconds(std::string_view text, std::string_view option);
Result<double> parse_joules(std::string_view text, std::string_view option);

struct TaskMargin {
  std::string task;  ///< "": of all tasks that have none of their own
  report::Margin margin;
};

Result<TaskMargin> parse_margin(std::string_view text, std::string_view option);

}  // namespace nibble::app
