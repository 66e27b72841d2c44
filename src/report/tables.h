/// The tables of a report.
///
/// Source     our own
#pragma once

#include <string>
#include <vector>

#include "report/data.h"
#include "report/table.h"

namespace nibble::report {

/// Below this adjusted p-value a difference is called significant and marked with "*".
inline constexpr double kSignificance = 0.05;

bool is_significant(const store::ComparisonRecord& comparison);
/// "−0.3 [−1.1, 0.5]*"
std::string comparison_text(const store::ComparisonRecord& comparison,
                            const store::MetricRecord& metric);
/// True where the difference is in the direction that the metric calls worse.
bool is_worse(const store::ComparisonRecord& comparison, const store::MetricRecord& metric);

Table overview_table(
    const Data& data);  ///< a row for each variant, its headline scores and its cost; tasks over
                        ///< documents have tables of their own
Table quality_table(const Data& data);     ///< every metric of every task with its interval
Table difference_table(const Data& data);  ///< paired differences to the reference
Table cost_table(const Data& data);        ///< size, memory and speed with their spread
Table task_table(const Data& data);        ///< what was asked, and how
Table condition_table(const Data& data);   ///< under which conditions

/// All of them, in that order.
std::vector<Table> all_tables(const Data& data);

}  // namespace nibble::report
