/// JSON that may stand inside a script element of a page.
///
/// Source     our own
#pragma once

#include <string>

#include "base/json.h"

namespace nibble::report {

/// No "</script>" and no "<!--" can stand in it.
std::string script_json(const Json& value);

}  // namespace nibble::report
