/// The tables of what running a variant takes, beyond the summary of report/tables.h.
///
/// Source     our own
#pragma once

#include <vector>

#include "report/data.h"
#include "report/table.h"

namespace nibble::report {

Table latency_table(const Data& data);      ///< percentiles of first token, tokens, whole requests
Table utilisation_table(const Data& data);  ///< memory, arithmetic and bandwidth against peaks
Table energy_table(const Data& data);       ///< joules, price, clocks and temperature
Table length_table(const Data& data);       ///< prompts, depths and batches; no row where none

/// All of them that have rows; none where the study measures nothing.
std::vector<Table> profile_tables(const Data& data);

}  // namespace nibble::report
