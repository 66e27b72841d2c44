/// Advice as a person reads it: the answer, what decides it, and each variant with its reasons.
///
/// Errors     none
/// Source     our own
#pragma once

#include <string>

#include "report/advice/advise.h"

namespace nibble::report {

/// "int4: peak memory 212 MB …", or why there is no answer.
std::string answer_text(const Advice& advice);

std::string advice_text(const Advice& advice);

}  // namespace nibble::report
