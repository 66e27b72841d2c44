/// TOML files read into typed settings: every key must be asked for, so a misspelt key is an error
/// that names the nearest.
///
///   auto doc  = TomlDocument::parse(text, "study.toml").take();
///   auto root = doc.root();
///   settings.name = root.required<std::string>("name");
///   settings.bits = root.optional<std::int64_t>("bits").value_or(4);
///   for (TomlTable variant : root.tables("variant")) { …; variant.finish(); }
///   root.finish();                                    // throws on keys that nobody asked for
///
/// Errors     parse: kCorruptData "file:LINE:COLUMN: reason"; reading: Error(kCorruptData) with the
///            same position
/// Source     TOML 1.0; toml++
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace nibble {

/// One table of a document. Cheap to copy; valid while its document lives.
class TomlTable {
 public:
  /// T is std::string, std::int64_t, double, bool, std::vector<std::string>,
  /// std::vector<std::int64_t>. An integer is accepted where a double is wanted. A value of another
  /// type is an error.
  template <class T>
  std::optional<T> optional(std::string_view key);
  template <class T>
  T required(std::string_view key);

  [[nodiscard]] bool has(std::string_view key) const;
  /// The sub-table [key], or nullopt.
  std::optional<TomlTable> table(std::string_view key);
  /// The tables of the array [[key]]; empty when absent.
  std::vector<TomlTable> tables(std::string_view key);
  /// All keys in file order (for tables whose keys are free, such as name patterns).
  [[nodiscard]] std::vector<std::string> keys() const;

  /// Throws when a key that nobody asked for is nearly `key`.
  void refuse_misspelling_of(std::string_view key) const;
  /// Throws unless every key was asked for.
  void finish() const;
  /// An Error(kCorruptData) that points at `key` (or at the table when the key is absent).
  [[noreturn]] void reject(std::string_view key, std::string_view reason) const;

 private:
  friend class TomlDocument;
  struct State;
  explicit TomlTable(std::shared_ptr<State> state) : state_(std::move(state)) {}
  std::shared_ptr<State> state_;
};

class TomlDocument {
 public:
  static Result<TomlDocument> parse(std::string_view text, std::string_view where);
  static Result<TomlDocument> read(const std::filesystem::path& path);
  TomlDocument(TomlDocument&&) noexcept;
  TomlDocument& operator=(TomlDocument&&) noexcept;
  ~TomlDocument();

  [[nodiscard]] TomlTable root() const;

 private:
  friend class TomlTable;
  struct Storage;
  explicit TomlDocument(std::shared_ptr<Storage> storage);
  std::shared_ptr<Storage> storage_;
};

}  // namespace nibble
