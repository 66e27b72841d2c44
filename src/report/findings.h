/// What the numbers say, in sentences that claim no more than they show.
///
/// "No significant difference" is not "no loss": where a variant looks harmless, the finding names
/// the largest loss that the intervals still allow.
///
/// Source     our own
#pragma once

#include <string>
#include <vector>

#include "report/data.h"

namespace nibble::report {

struct Findings {
  std::string compared;              ///< what was compared, on what
  std::string headline;              ///< the one sentence to remember
  std::string qualifier;             ///< what the headline does not show, and what else holds
  std::vector<std::string> details;  ///< losses, speed, limits of what the data can show
};

Findings find(const Data& data);

}  // namespace nibble::report
