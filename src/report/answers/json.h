/// What the page's script draws of tasks over documents.
///
/// Layout     a list of groups: {name, tasks, lengths: [{at, task}], positions: likewise, layers,
///            variants: [null or {gold: [layers][depths], n: [depths], funnel, divergence:
///            [layers]}], questions: [{id, question, wanted, passages: [{header, text, gold}],
///            answers: [null or {answer, f1, shares}]}]}; what was not measured is null
/// Of very many variants the first (page/budget.h).
///
/// Source     our own; read by assets/answers.js
#pragma once

#include "base/json.h"
#include "report/data.h"

namespace nibble::report {

Json answers_json(const Data& data);

}  // namespace nibble::report
