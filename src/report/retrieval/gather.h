/// Reads retrievers from a store, and pairs what models answered behind them.
///
/// Errors     those of the store
/// Source     our own
#pragma once

#include <string>
#include <vector>

#include "report/retrieval/retrieval.h"
#include "store/store.h"

namespace nibble::report {

struct Data;

/// The models of a plan with their tasks and units.
store::Plan without_retrievers(store::Plan plan);

std::vector<Retriever> gather_retrievers(const store::Store& store);

/// `data` has the tasks, the variants with their outcomes, and the retrievers.
std::vector<Pipeline> gather_pipelines(const store::Store& store, const Data& data);

/// "minilm" of a task whose documents come from it; "" of others.
std::string retriever_of(const store::TaskRecord& task);

}  // namespace nibble::report
