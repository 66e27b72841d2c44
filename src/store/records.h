/// What the store holds, as plain values.
///
/// A study compares variants on tasks. Each pair of a variant and a task is a unit, and so is the
/// measurement of a variant's speed. A unit's id is the hash of everything that determines its
/// result, so a changed input gives a new unit and old observations are never taken for new ones.
///
/// Units      sizes in bytes; measurements carry their own unit of measure
/// Source     our own
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nibble::store {

/// One fact about how the study was made. A study may go on only where all `binding` conditions are
/// the same.
struct Condition {
  std::string key;
  std::string value;
  bool binding = false;
};

/// What it took to make a variant's file.
struct QuantizeCost {
  double seconds = 0;                     ///< of wall time
  double cpu_seconds = 0;                 ///< of all threads
  std::optional<std::size_t> peak_bytes;  ///< most memory resident; none: the kernel keeps no mark
};

/// What is known of a variant once its file exists.
struct VariantFacts {
  std::string model_hash;  ///< of the weight files as they were run
  std::size_t file_bytes = 0;
  std::size_t memory_bytes = 0;           ///< of the packed weights
  double bits_per_weight = 0;             ///< stored bits of all tensors / parameters
  std::string weight_types;               ///< "210 x q4_1, 61 x f32"
  std::optional<QuantizeCost> cost = {};  ///< none: the model as it came, or made in several runs
};

/// The recipe of a variant that is no model but a retriever: what finds documents for all models.
/// Its tasks are searches (ContextRecord::mode "search"), its name is "minilm-int4 over squad".
inline constexpr std::string_view kRetrieverRecipe = "[[retriever]]";

struct VariantRecord {
  std::string id;
  std::string name;
  std::string recipe_name;  ///< "none": the model as it came; or kRetrieverRecipe
  std::string recipe_text;
  std::string recipe_hash;
  std::optional<VariantFacts> facts;
};

struct MetricRecord {
  std::string name;
  std::string unit;
  bool higher_is_better = true;
  std::string
      transform;  ///< "identity", "exp", "per_ln2": value = transform(sum of sums / sum of weights)
};

/// How a task that asks over documents chose them.
struct ContextRecord {
  std::string set;
  std::string mode;  ///< "gold", "retrieved", "retrieved by minilm", "oracle", "closed", "search"
  std::optional<std::size_t> n_documents{};
  std::optional<std::size_t> budget{};  ///< tokens of a prompt at most
  std::optional<std::size_t> gold_slot{};
};

struct TaskRecord {
  std::string id;
  std::string name;
  std::int64_t version = 1;
  std::string protocol;
  std::string data_hash;
  std::size_t n_samples = 0;
  std::vector<MetricRecord> metrics{};  ///< the first is the headline
  std::optional<ContextRecord> context{};
};

struct UnitRecord {
  std::string id;
  std::string variant;  ///< VariantRecord::id
  std::string task;     ///< TaskRecord::id; "" for the measurement of speed and memory
  std::string
      settings;  ///< for people: "128 prompt tokens, 32 new tokens, 5 repetitions after 2 warm-ups"
};

/// nullopt in a score: the sample could not be answered.
struct ScoreRecord {
  std::string metric;
  struct Ratio {
    double sum = 0;
    double weight = 1;
  };
  std::optional<Ratio> ratio;
};

struct SampleRecord {
  std::size_t index = 0;  ///< position within the task
  std::string sample_id;
  std::string prompt;
  std::string target;
  std::string answer;
  std::vector<ScoreRecord> scores;
  std::size_t n_cut_tokens = 0;  ///< of what was asked, where it did not fit the model's context
  bool hit_limit = false;        ///< the answer was ended by its token limit or the context
  std::string responses{};       ///< JSON, one value a request; "": not kept
  std::vector<std::string> flags{};  ///< what makes the sample doubtful (eval/guards.h)
  std::optional<double> chance{};    ///< that a blind guess is right
  std::string attention{};  ///< bytes, where the model looked; written, read by Store::attention
};

/// Samples of a unit that were not asked or answered in full.
struct CutCounts {
  std::size_t asked = 0;
  std::size_t answered = 0;
  std::size_t stored = 0;  ///< cut or not
};

/// What makes the samples of a unit doubtful.
struct DoubtCounts {
  std::map<std::string, std::size_t, std::less<>> flags;  ///< samples by flag
  std::optional<double> chance;                           ///< mean over the samples that have one
};

/// One score without its texts, for statistics.
struct ScoreRow {
  std::size_t index = 0;
  std::optional<ScoreRecord::Ratio> ratio;
};

struct MeasurementRecord {
  std::string name;             ///< "decode", "prefill", "first_token", "peak_memory"
  std::string unit_of_measure;  ///< "ms/token", "tok/s", "ms", "bytes"
  std::size_t repetition = 0;
  std::optional<double> value;
  std::string reason;  ///< why there is no value
};

/// A variant against the reference on the samples that both answered.
struct ComparisonRecord {
  double difference = 0;  ///< variant - reference
  double low = 0, high = 0;
  double p_value = 1, p_adjusted = 1;
  std::size_t n = 0;
  std::optional<std::size_t> lost,
      gained;  ///< right to wrong and back; only for metrics that say right or wrong
};

/// What a unit's samples say of one metric; derived from the samples and replaced as a whole.
struct SummaryRecord {
  std::string unit;
  std::string metric;
  std::size_t n = 0;  ///< answered
  std::size_t unanswered = 0;
  std::optional<double> value, low, high;
  std::optional<ComparisonRecord> comparison;  ///< none for the reference itself
};

/// Why a unit (or, with a task of "", a whole variant) could not be run this time.
struct FailureRecord {
  std::string unit;
  std::string message;
};

}  // namespace nibble::store
