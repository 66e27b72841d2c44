/// Joins stores of one study into one whose bytes follow from its records alone.
///
/// Units may lie in one store or in several, as a whole or sample by sample. Where two stores hold
/// the same record it must be the same to the last bit; what differs by nature between two runs
/// (measured speeds and their reasons, what quantizing cost, why a unit failed) is taken from the
/// store that was added first.
///
/// Plans: that of the store that asks for most is kept, and every other must be part of it, so that
/// a study which has grown since joins what it had. Binding conditions must be the same; of the
/// others every value is kept, "2 of 2 | 4 of 8". A failure is kept while its unit lacks samples
/// or measurements. Summaries are not joined: they are made again from the samples.
///
/// The published file holds the tables in the order of the schema, rows in the order of their keys,
/// as one transaction wrote them into an empty file. Equal records give equal bytes, whichever
/// stores they came from, with one version of SQLite (its number is in the file).
///
/// Errors     kMismatch "STORE: …" with the record, the column and both values; those of Store
/// Source     our own
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>

#include "store/store.h"

namespace nibble::store {

struct MergeCounts {
  std::size_t stores = 0;
  std::size_t repeated_samples = 0;  ///< that an earlier store had, too
  std::size_t repeated_units = 0;    ///< measured by an earlier store, too
};

class Merger {
 public:
  /// Joins in the file `work`, which is made anew and removed with the object.
  explicit Merger(std::filesystem::path work);
  ~Merger();
  Merger(const Merger&) = delete;
  Merger& operator=(const Merger&) = delete;

  /// All or nothing: after an Error the joined records are those of before.
  void add(const std::filesystem::path& store);
  /// What is joined so far.
  Store& joined() noexcept { return joined_; }
  [[nodiscard]] const MergeCounts& counts() const noexcept { return counts_; }
  /// Writes the joined records to `target`: at any moment the old file or the new one is there,
  /// whole. Nothing may be writing to `target`.
  void publish(const std::filesystem::path& target);

 private:
  std::filesystem::path work_;
  Store joined_;
  std::unique_ptr<Database> database_;
  MergeCounts counts_;
};

}  // namespace nibble::store
