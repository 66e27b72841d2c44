/// The tables of the source paper, with its numbers and columns.
///
/// Even tables compare GPTQ's calibrations; they are left out where fewer than two variants are of
/// GPTQ.
///
/// Source     the paper's section 4; docs/paper.md
#pragma once

#include <vector>

#include "report/data.h"
#include "report/table.h"

namespace nibble::report {

/// In the order of their numbers; none for a store without a plan.
std::vector<Table> paper_tables(const Data& data);

}  // namespace nibble::report
