/// Which rows stand as solved examples in front of each question.
///
/// One generator for a data set, consumed question by question, so the examples of a question do
/// not depend on how many are asked. Where a task leaves the evaluated row out, one more is drawn
/// and every row equal to it dropped; should too few remain, all are drawn anew from the rows that
/// differ.
///
/// Errors     kInvalidArgument when the pool has fewer rows than examples
/// Source     lm-evaluation-harness 0.4.13: ContextSampler, FirstNSampler
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "data/rows.h"
#include "eval/task_file/definition.h"

namespace nibble::eval {

/// Positions in `pool` for each of `rows`, in the order of the prompt.
std::vector<std::vector<std::size_t>> draw_shots(const ShotRule& rule,
                                                 std::size_t n_shots,
                                                 std::span<const data::Row> rows,
                                                 std::span<const data::Row> pool);

}  // namespace nibble::eval
