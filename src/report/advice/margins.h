/// By how much the winner is ahead of the runner-up, number by number.
///
/// Sizes are exact. Measurements are compared by the shift between their repetitions, scores by
/// their difference on the same samples; both with a 95 % interval where n carries one.
///
/// Errors     those of the store
/// Source     eval/stats/shift.h, eval/stats/paired.h
#pragma once

#include <vector>

#include "report/advice/advise.h"

namespace nibble::report {

struct Duel {
  const Facts& winner;
  const Facts& runner_up;
  const std::vector<CountedTask>& tasks;
};

std::vector<WinnerMargin> winner_margins(const store::Store& store,
                                         const Data& data,
                                         const Duel& duel);

}  // namespace nibble::report
