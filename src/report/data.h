/// A store, arranged for reading: variants by tasks, with a reason wherever a number is missing.
///
/// Units      measurements as stored; sizes in bytes
/// Errors     those of the store
/// Source     our own
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "report/answers/answers.h"
#include "report/known.h"
#include "report/retrieval/retrieval.h"
#include "report/spread.h"
#include "store/store.h"

namespace nibble::report {

/// A question that a variant got wrong.
struct Example {
  store::SampleRecord sample;
  std::string reference_answer;  ///< "" for the reference itself
  bool reference_was_right = false;
};

/// Samples whose score is not the reference's.
struct DifferingPairs {
  std::size_t n_lower = 0, n_higher = 0;
};

/// What one variant did on one task. `metrics` runs parallel to the task's metrics.
struct Outcome {
  std::vector<Known<store::SummaryRecord>> metrics;
  /// By the headline metric, where it is a share but answers are not just right or wrong.
  std::optional<DifferingPairs> differing;
  std::vector<Example> examples;
  store::CutCounts cut;
  store::DoubtCounts doubts;
};

inline constexpr std::size_t kColours = 8;  ///< of families; they start again behind the last

struct Variant {
  store::VariantRecord record;
  std::string family;    ///< "rtn", "hqq", …: variants of a family share a colour
  std::size_t slot = 0;  ///< number of the family in order of appearance; 0 is the reference's
  bool is_reference = false;
  std::vector<Outcome> outcomes;  ///< parallel to the tasks
  std::map<std::string, Known<Spread>, std::less<>> measurements;
  bool is_to_be_measured = false;  ///< the study asks for its speed
  std::string measurement_settings;
  std::string measurement_reason;  ///< why there is none at all

  [[nodiscard]] std::size_t colour() const { return slot % kColours; }
  /// Why one of the tasks has no score of its headline; "" where all of them have.
  [[nodiscard]] std::string missing_of(const TaskNumbers& tasks) const;
  /// The unit of a task that has one.
  [[nodiscard]] const std::string& unit_of(std::size_t task) const;

  /// The measurement of that name, or the reason why there is none.
  [[nodiscard]] Known<Spread> measured(std::string_view name) const;
  /// Its median.
  [[nodiscard]] Known<double> median(std::string_view name) const;
  [[nodiscard]] Known<double> file_bytes() const;
  [[nodiscard]] Known<double> weight_bytes() const;  ///< packed, in memory
  [[nodiscard]] Known<double> bits_per_weight() const;
  [[nodiscard]] Known<store::QuantizeCost> quantize_cost() const;
};

struct Data {
  std::string name;
  std::vector<store::Condition> conditions;
  std::vector<std::string> notes;
  std::vector<store::TaskRecord> tasks;
  std::vector<Variant> variants;  ///< the reference first
  std::size_t n_units = 0, n_units_done = 0;
  Answers answers;  ///< of tasks over documents
  std::vector<Retriever> retrievers;
  std::vector<Pipeline> pipelines;  ///< of tasks behind a retriever

  [[nodiscard]] std::string condition(std::string_view key) const;
  /// A condition that is a number; nullopt where it is absent or none.
  [[nodiscard]] std::optional<double> number(std::string_view key) const;
  /// What follows from the single answers of one of `variants`.
  [[nodiscard]] const AnswerEffects& effects_of(const Variant& variant) const;
};

/// Examples kept for each variant and task.
inline constexpr std::size_t kMaxExamples = 3;

/// As of one moment, also while a study writes into the store.
Data gather(const store::Store& store);
/// All but `answers` and `pipelines`, whose statistics take seconds.
Data gather_scores(const store::Store& store);

Known<double> median_known(const Known<Spread>& known);

/// True for a share of 1, which people read as per cent and its differences as points.
bool is_fraction(const store::MetricRecord& metric);
/// True for a metric that is itself a distance from the reference: it is above zero for every other
/// model, so whether it differs from the reference's is no question.
bool is_distance(const store::MetricRecord& metric);
/// True for a metric whose samples are right or wrong, so that "a wrong answer" means something.
bool says_right_or_wrong(const store::MetricRecord& metric);

}  // namespace nibble::report
