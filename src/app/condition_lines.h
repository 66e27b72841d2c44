/// Where two runs differ, as text and as JSON.
///
/// Source     our own
#pragma once

#include <span>
#include <string>

#include "base/json.h"
#include "study/run_conditions.h"

namespace nibble::app {

/// True where something besides what is judged differs.
bool conditions_differ(std::span<const study::ConditionDifference> differences);

/// A line a difference; with `subjects`, those of what is judged, too.
std::string condition_lines(std::span<const study::ConditionDifference> differences, bool subjects);

Json conditions_json(std::span<const study::ConditionDifference> differences);

}  // namespace nibble::app
