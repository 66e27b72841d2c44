/// Advice, and what it is made from, as JSON.
///
/// `advice_json` is the answer of `nibble recommend --json`; to `advice_data_json` the report's
/// page applies the same rule when a reader moves a limit. What is missing is null.
///
/// Units      bytes, ms, J/token; losses and margins in the metric's unit
/// Errors     none
/// Source     our own; docs/guide/recommend.md
#pragma once

#include "base/json.h"
#include "report/advice/advise.h"

namespace nibble::report {

Json advice_json(const Advice& advice, const Limits& limits, const Data& data);

Json advice_data_json(const Data& data);

}  // namespace nibble::report
