/// Advice, and what it is made from, as JSON.
///
/// `advice_json` is the answer of `nibble recommend --json`; to `advice_data_json` the report's
/// page applies the same rule when a reader moves a limit. What is missing is null.
///
/// Units      bytes, ms, J/token; losses and margins in the metric's unit
/// Errors     none
/// Source     our own; docs/guide/recommend.md
#pragma once

#include <cstddef>

#include "base/json.h"
#include "report/advice/advise.h"

namespace nibble::report {

Json advice_json(const Advice& advice, const Limits& limits, const Data& data);

/// Of the first variants, as `unpackedAdvice` in assets/advice_rule.js reads it: costs in its
/// order, each [value, least, reason], losses by task, each [seen, low, high, n, reason]; a reason
/// is a number into "reasons".
Json advice_data_json(const Data& data, std::size_t n_variants);

}  // namespace nibble::report
