/// SQLite as values: a connection, prepared statements, transactions that roll back unless
/// committed.
///
/// Threads    one connection belongs to one thread
/// Errors     thrown as Error with the database's path: kIo (full disk, read-only, locked),
///            kCorruptData (not a database), kOutOfMemory, else kInternal
/// Source     https://www.sqlite.org/c3ref/intro.html
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace nibble::store {

class Database;

/// A prepared statement. Parameters are bound in order; columns are read by number after `step`
/// returned true.
class Statement {
 public:
  Statement(Database& database, std::string_view sql);

  Statement& bind(std::string_view text);
  Statement& bind(std::int64_t value);
  Statement& bind(double value);
  Statement& bind_null();
  /// A BLOB.
  Statement& bind_bytes(std::span<const std::byte> bytes);
  template <class T>
  Statement& bind(const std::optional<T>& value) {
    return value ? bind(*value) : bind_null();
  }

  /// True while there is a row.
  bool step();
  /// Runs to the end and makes the statement ready for the next parameters.
  void run();

  [[nodiscard]] std::string text(int column) const;
  /// Valid until the next `step`.
  [[nodiscard]] std::span<const std::byte> bytes(int column) const;
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] double real(int column) const;
  [[nodiscard]] bool is_null(int column) const;
  [[nodiscard]] std::optional<double> optional_real(int column) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept;
  };
  void check(int status) const;
  Database& database_;
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
  int n_bound_ = 0;
};

class Database {
 public:
  enum class Mode { kCreate, kReadOnly };
  static Database open(const std::filesystem::path& path, Mode mode);

  void execute(std::string_view sql);
  /// Another database under a name of its own, to read from.
  void attach(const std::filesystem::path& path, std::string_view name);
  [[nodiscard]] std::int64_t pragma(std::string_view name);
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  /// Throws the Error that belongs to an SQLite status.
  [[noreturn]] void raise_status(int status) const;

 private:
  friend class Statement;
  struct Close {
    void operator()(sqlite3* handle) const noexcept;
  };
  Database(std::filesystem::path path, sqlite3* handle) : path_(std::move(path)), handle_(handle) {}
  std::filesystem::path path_;
  std::unique_ptr<sqlite3, Close> handle_;
  bool is_still_ = false;  ///< opened as it lies, in a folder that cannot be written
};

/// All or nothing: what was written since construction is undone unless `commit` returned.
class Transaction {
 public:
  explicit Transaction(Database& database);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit();

 private:
  Database& database_;
  bool open_ = true;
};

}  // namespace nibble::store
