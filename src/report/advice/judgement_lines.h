/// What the terminal says of the limits on each variant, few enough lines to read.
///
/// `--json` has all of them. Here
/// - what is accepted stands once, tasks of equal margins together;
/// - a loss that is not decidable for one reason whatever the variant is said once;
/// - the reference loses nothing against itself, which is not said;
/// - losses with the same words share a line; of many met ones the nearest to its limit is named,
///   of many others those that reach furthest.
///
/// Errors     none
/// Source     our own
#pragma once

#include <string>
#include <vector>

#include "report/advice/advise.h"

namespace nibble::report {

/// Lines end with a newline; "" where there is nothing to say.
struct JudgementLines {
  std::string accepted;  ///< "a loss of 2 points on arc_easy and piqa; …", no line of its own
  std::string common;    ///< of every variant but the reference
  std::vector<std::string> of;  ///< parallel to the candidates
};

JudgementLines judgement_lines(const Advice& advice);

}  // namespace nibble::report
