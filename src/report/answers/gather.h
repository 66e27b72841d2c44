/// Reads the single questions of a store and keeps what follows from them, variant by variant: no
/// more than one variant's values and the reference's are in memory.
///
/// Errors     those of the store and of values.h
/// Source     our own
#pragma once

#include "report/answers/answers.h"

namespace nibble::report {

struct Data;

/// `data` has the tasks and variants, and their outcomes.
Answers gather_answers(const store::Store& store, const Data& data);

}  // namespace nibble::report
