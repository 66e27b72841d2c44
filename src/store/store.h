/// The record of a study in one SQLite file: plan, observations per sample, measurements, and what
/// follows from them.
///
/// Each writing call is one transaction: after it returned the records survive a kill, a crash and
/// a power cut; before that they are absent as a whole. Readers may look while a study runs.
///
/// Threads    one Store belongs to one thread; any number of processes may read
/// Errors     kMismatch for a store of another version (both numbers named); kCorruptData for a
/// file
///            that is no store; kNotFound when there is nothing to read; kIo for a full disk or a
///            read-only folder
/// Source     our own; tables in schema.sql
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/records.h"

namespace nibble::store {

class Database;
class Store;

/// Raised with every change of schema.sql; a store of another version is refused.
inline constexpr std::int64_t kSchemaVersion = 5;

/// What the study asks for now, in the order of the study file; the first variant is the reference.
struct Plan {
  std::vector<VariantRecord> variants;
  std::vector<TaskRecord> tasks;
  std::vector<UnitRecord> units;
};

/// While it lives, the store is read as it was when the first record was: what others write in
/// between is not seen, and each read is spared its own locks. Nothing may be written through the
/// same Store, and one at a time will do.
class Snapshot {
 public:
  explicit Snapshot(const Store& store);
  ~Snapshot();
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

 private:
  Database& database_;
};

class Store {
 public:
  /// Opens the file, or makes an empty store.
  static Store open(const std::filesystem::path& path);
  /// An empty store that is gone with the object.
  static Store in_memory();
  static Store open_read_only(const std::filesystem::path& path);
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  [[nodiscard]] std::vector<Condition> conditions() const;
  void replace_conditions(std::span<const Condition> conditions);
  [[nodiscard]] std::vector<std::string> notes() const;
  void replace_notes(std::span<const std::string> notes);

  /// Variants, tasks and units that are new are added; those of older plans stay, outside the plan.
  /// Failures are forgotten.
  void replace_plan(const Plan& plan);
  [[nodiscard]] Plan plan() const;
  /// What quantizing cost is kept from before where `facts` does not say.
  void set_facts(std::string_view variant, const VariantFacts& facts);

  void add_samples(std::string_view unit, std::span<const SampleRecord> samples);
  /// Positions of the stored samples, ascending.
  [[nodiscard]] std::vector<std::size_t> sample_indexes(std::string_view unit) const;
  /// Their ids, in the same order.
  [[nodiscard]] std::vector<std::string> sample_ids(std::string_view unit) const;
  /// Number of stored samples by unit, in one walk; units without any are absent.
  [[nodiscard]] std::map<std::string, std::size_t, std::less<>> sample_counts() const;
  /// One metric of all stored samples, by position.
  [[nodiscard]] std::vector<ScoreRow> scores(std::string_view unit, std::string_view metric) const;
  [[nodiscard]] CutCounts cut_samples(std::string_view unit) const;
  [[nodiscard]] DoubtCounts doubtful_samples(std::string_view unit) const;
  /// Without its attention.
  [[nodiscard]] std::optional<SampleRecord> sample(std::string_view unit, std::size_t index) const;

  /// Where the model looked, as it was packed; nullopt where that was not measured.
  [[nodiscard]] std::optional<std::string> attention(std::string_view unit,
                                                     std::size_t index) const;

  void add_measurements(std::string_view unit, std::span<const MeasurementRecord> measurements);
  [[nodiscard]] std::vector<MeasurementRecord> measurements(std::string_view unit) const;
  /// Units that have any.
  [[nodiscard]] std::set<std::string, std::less<>> measured_units() const;

  void add_failure(const FailureRecord& failure);
  [[nodiscard]] std::vector<FailureRecord> failures() const;

  void replace_summaries(std::span<const SummaryRecord> summaries);
  [[nodiscard]] std::vector<SummaryRecord> summaries() const;

 private:
  friend class Snapshot;
  explicit Store(std::unique_ptr<Database> database);
  std::unique_ptr<Database> database_;
};

}  // namespace nibble::store
