/// Tables of the tasks that ask over documents: the scores of each group, and how like the
/// reference's every variant's heads look at the documents.
///
/// Source     our own
#pragma once

#include <vector>

#include "report/data.h"
#include "report/table.h"

namespace nibble::report {

/// A row for each variant, a column for each task of the group: "answers-01", …
Table answer_table(const Data& data, std::size_t group);
/// A row for each group that measures attention and each variant but the reference.
Table head_agreement_table(const Data& data);

/// All of them; none where no task asks over documents.
std::vector<Table> answer_tables(const Data& data);

}  // namespace nibble::report
