/// Tables of a study's retrievers, and of its models behind them: what memory, time and answers
/// cost each other over the whole way from a question to its answer.
///
/// Source     our own
#pragma once

#include <vector>

#include "report/data.h"
#include "report/table.h"

namespace nibble::report {

/// A row for each retriever, set and list of questions: "retrievers".
Table retriever_table(const Data& data);
/// A row for each retriever, task and variant: "pipelines".
Table pipeline_table(const Data& data);

/// Both; none where the study has no retriever.
std::vector<Table> retrieval_tables(const Data& data);

}  // namespace nibble::report
