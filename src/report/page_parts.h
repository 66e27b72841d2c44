/// The pieces of the HTML page, each a pure function of the data.
///
/// Source     our own
#pragma once

#include <string>

#include "report/data.h"
#include "report/findings.h"

namespace nibble::report {

std::string qualifier_html(const Findings& findings);  ///< what the headline does not show
std::string details_html(const Findings& findings);    ///< the list below the headline
std::string facts_html(const Data& data);              ///< model, samples, arithmetic, machine
std::string notes_html(const Data& data);
std::string overview_html(const Data& data);  ///< the sortable table of variants
/// A table of scores for each group of tasks over documents; "" where there is none.
std::string answers_html(const Data& data);

}  // namespace nibble::report
