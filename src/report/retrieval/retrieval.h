/// What a study says of its retrievers, and of its models behind them.
///
/// Units      bytes, seconds, milliseconds a question
/// Source     our own; study/search/ makes them
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "eval/stats/interval.h"
#include "report/known.h"
#include "report/spread.h"
#include "store/records.h"

namespace nibble::report {

/// One list of questions that a retriever searched for. `metrics` runs parallel to the task's.
struct RetrieverSearch {
  store::TaskRecord task;
  std::vector<Known<store::SummaryRecord>> metrics{};
};

/// One retriever over the passages of one set.
struct Retriever {
  store::VariantRecord record;
  std::string name{};  ///< "minilm-int4"
  std::string set{};
  Known<double> encoder_bytes{}, index_bytes{};  ///< in memory
  Known<Spread> search_ms{};
  std::vector<RetrieverSearch> searches{};
  std::size_t n_units = 0, n_units_done = 0;

  /// Encoder and index; the encoder counts nothing where there is none.
  [[nodiscard]] Known<double> memory_bytes() const;
  [[nodiscard]] Known<store::QuantizeCost> build_cost() const;
};

/// A model behind a retriever, asked one task.
struct Pipeline {
  std::size_t task = 0;                  ///< into the data's tasks
  std::size_t variant = 0;               ///< into its variants
  std::optional<std::size_t> retriever;  ///< into its retrievers
  /// F1 against the same model behind the study's first retriever, over the same questions.
  Known<eval::stats::Interval> change{};
};

}  // namespace nibble::report
