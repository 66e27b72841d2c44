/// An index on disk: documents, their passages, and a vector for each passage, in one SQLite file.
///
/// Everything is written in transactions: whatever kills a run, the file is whole, and the next run
/// goes on with what it lacks. The settings (how documents are cut, which encoder made the vectors)
/// are fixed when the file is made.
///
/// Layout     vectors are float32 [dims], length 1 where the encoder normalises
/// Threads    one object belongs to one thread
/// Errors     kNotFound; kCorruptData for a file that is no index or is damaged; kMismatch for an
///            index of another version, other settings or another encoder, with both; kIo
/// Source     our own; https://www.sqlite.org
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "base/result.h"
#include "rag/chunk/units.h"
#include "rag/source/document.h"
#include "store/database.h"

namespace nibble::rag {

/// What a file was made with. Vectors are comparable, and passages alike, only where all is equal.
struct IndexSettings {
  std::string passages = {};      ///< ChunkSettings::text()
  std::string encoder = {};       ///< folder of the encoder; "": no vectors, BM25 alone
  std::string codec = {};         ///< of its weights; "": as stored
  std::string arithmetic = {};    ///< "f32", …
  std::string encoder_hash = {};  ///< Encoder::hash(); "" without encoder
  std::size_t dims = 0;           ///< of vectors; 0 without encoder
};

struct IndexCounts {
  std::size_t n_documents = 0;
  std::size_t n_passages = 0;
  std::size_t n_without_vector = 0;
};

/// A passage as a search gives it out.
struct Passage {
  std::int64_t id = 0;
  std::string document;   ///< its name
  std::string title;      ///< of the document
  std::size_t first = 0;  ///< byte in the document's text
  std::string text;

  /// What is embedded and counted: the title, a blank, the text.
  [[nodiscard]] std::string indexed_text() const {
    return title.empty() ? text : title + " " + text;
  }
};

class IndexFile {
 public:
  /// Opens the index at `path` for writing, or makes one. kMismatch when it was made with other
  /// settings.
  static IndexFile open_or_create(const std::filesystem::path& path, const IndexSettings& settings);
  static IndexFile open(const std::filesystem::path& path);

  [[nodiscard]] const IndexSettings& settings() const noexcept { return settings_; }
  [[nodiscard]] IndexCounts counts();

  enum class Change { kNew, kChanged, kSame };
  /// Begins to read the source anew: documents that are not put again are old.
  void begin_run();
  /// What `put` would do; marks a document that is the same as seen.
  Change look_at(const Document& document);
  /// Stores the document with its passages in place of an older one of that name.
  void put(const Document& document, std::span<const TextRange> passages);
  /// Drops the documents that this run has not seen; how many they were.
  std::size_t drop_old();

  /// Up to `n` passages without a vector, in order.
  std::vector<Passage> without_vector(std::size_t n);
  /// Sets vectors [passages.size(), dims].
  void set_vectors(std::span<const Passage> passages, std::span<const float> vectors);

  /// Calls f(passage, vector) for all passages by id; the vector is empty where there is none.
  void for_each(FunctionRef<void(Passage&&, std::span<const float>)> f);
  /// Calls f(vector) for the first `n` passages by id, all of which must have one (kUnsupported).
  void for_each_vector(std::size_t n, FunctionRef<void(std::span<const float>)> f);
  Passage passage(std::int64_t id);
  std::vector<float> vector(std::int64_t id);

  [[nodiscard]] store::Database& database() noexcept { return database_; }

 private:
  IndexFile(store::Database database, IndexSettings settings);
  store::Database database_;
  IndexSettings settings_;
  std::int64_t run_ = 0;
};

}  // namespace nibble::rag
