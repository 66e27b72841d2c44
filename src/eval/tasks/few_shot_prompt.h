/// Multiple-choice questions with solved examples in front.
///
///   context = for each example: question + " " + right choice + "\n\n"; then the question
///
/// Where the examples come from the evaluated rows themselves, one more is drawn and the row itself
/// left out.
///
/// Errors     kInvalidArgument when the pool has fewer rows than examples
/// Source     lm-evaluation-harness 0.4.13 `ConfigurableTask.fewshot_context`
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "eval/tasks/choice.h"

namespace nibble::eval {

enum class ShotPool : std::uint8_t { kOtherRows, kEvaluatedRows };

/// Puts `n_shots` examples of `pool` in front of each item, in order.
void add_shots(std::vector<ChoiceItem>& items,
               std::span<const ChoiceItem> pool,
               ShotPool origin,
               std::size_t n_shots);

}  // namespace nibble::eval
