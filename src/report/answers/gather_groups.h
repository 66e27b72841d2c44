/// What the page shows of each group of tasks over documents. Records of attention are read one
/// question at a time; a few questions are kept whole (views.h).
///
/// Errors     those of the store; kCorruptData for attention that cannot be unpacked
/// Source     our own
#pragma once

#include <vector>

#include "report/answers/answers.h"
#include "store/store.h"

namespace nibble::report {

struct Data;

/// `data` has the tasks and variants, and their outcomes.
std::vector<AnswerGroup> gather_groups(const store::Store& store, const Data& data);

}  // namespace nibble::report
