/// Columns of the paper's tables that are one metric of one task, and the average over them.
///
/// Units      as stored; shares are shown as per cent, their differences as points
/// Source     our own
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "report/paper/rows.h"

namespace nibble::report {

/// What a cell of `score_cell` has beside its value.
inline constexpr std::string_view kDifferences =
    "in parentheses the paired difference to the reference with its 95 % interval, * where it is "
    "significant after Holm's correction";

struct ScoreColumn {
  std::string title;
  std::string machine;
  std::optional<std::size_t> task{};  ///< into the data's tasks; none: not part of the study
  std::size_t metric = 0;             ///< into the task's metrics
};

std::optional<std::size_t> find_metric(const store::TaskRecord& task, std::string_view name);

/// "41.7 (−0.3 [−1.1, 0.5])"; numbers: value, difference, low, high.
Cell score_cell(const Data& data, const Variant& variant, const ScoreColumn& column);

/// Mean of the columns that have a score, and of their differences to the reference.
struct Average {
  std::size_t n = 0, n_compared = 0;
  double value = 0, difference = 0, squared_error = 0, reference = 0;  ///< sums

  void add(const store::SummaryRecord& row);
  [[nodiscard]] bool is_compared() const { return n > 0 && n_compared == n; }
  [[nodiscard]] double mean(double sum) const { return sum / static_cast<double>(n); }
  [[nodiscard]] double half_width() const;  ///< of the mean difference's 95 % interval
};
Average average_of(const Variant& variant, const std::vector<ScoreColumn>& columns);

/// `table` with the names of the variants and these columns.
Table score_table(const Data& data,
                  const PaperRows& rows,
                  const std::vector<ScoreColumn>& columns,
                  Table table);
/// Adds the column "Avg" to such a table.
void add_average(const PaperRows& rows, const std::vector<ScoreColumn>& columns, Table& table);

}  // namespace nibble::report
