#include "store/database.h"

#include <sqlite3.h>

#include <string>

#include "base/error.h"

namespace nibble::store {
namespace {

constexpr int kBusyTimeoutMs = 10'000;
constexpr std::string_view kStill = "?mode=ro&immutable=1";  // nobody writes: no locks, no log

ErrorCode code_of(int status) noexcept {
  switch (status & 0xff) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorCode::kIo;
    case SQLITE_NOTADB:
    case SQLITE_CORRUPT:
      return ErrorCode::kCorruptData;
    case SQLITE_NOMEM:
      return ErrorCode::kOutOfMemory;
    default:
      return ErrorCode::kInternal;
  }
}

/// A path as an SQLite URI, so that options can follow it.
std::string uri_of(const std::filesystem::path& path, std::string_view options) {
  std::string uri = "file:";
  for (const char c : path.string()) {
    if (c == '%' || c == '?' || c == '#') {
      uri += fmt::format("%{:02x}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    } else {
      uri += c;
    }
  }
  return uri.append(options);
}

}  // namespace

void Statement::Finalize::operator()(sqlite3_stmt* statement) const noexcept {
  sqlite3_finalize(statement);
}

void Database::Close::operator()(sqlite3* handle) const noexcept {
  sqlite3_close_v2(handle);
}

Statement::Statement(Database& database, std::string_view sql) : database_(database) {
  sqlite3_stmt* statement = nullptr;
  const int status = sqlite3_prepare_v2(
      database.handle_.get(), sql.data(), static_cast<int>(sql.size()), &statement, nullptr);
  statement_.reset(statement);
  if (status == SQLITE_ERROR) {  // our statements are right, so the tables are not ours
    raise(ErrorCode::kCorruptData,
          "{}: {}; the store is damaged",
          database.path().string(),
          sqlite3_errmsg(database.handle_.get()));
  }
  check(status);
}

void Statement::check(int status) const {
  if (status != SQLITE_OK) {
    database_.raise_status(status);
  }
}

Statement& Statement::bind(std::string_view text) {
  check(sqlite3_bind_text64(statement_.get(),
                            ++n_bound_,
                            text.data() != nullptr ? text.data() : "",
                            text.size(),
                            SQLITE_TRANSIENT,
                            SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind(std::int64_t value) {
  check(sqlite3_bind_int64(statement_.get(), ++n_bound_, value));
  return *this;
}

Statement& Statement::bind(double value) {
  check(sqlite3_bind_double(statement_.get(), ++n_bound_, value));
  return *this;
}

Statement& Statement::bind_null() {
  check(sqlite3_bind_null(statement_.get(), ++n_bound_));
  return *this;
}

Statement& Statement::bind_bytes(std::span<const std::byte> bytes) {
  check(sqlite3_bind_blob64(statement_.get(),
                            ++n_bound_,
                            bytes.empty() ? "" : static_cast<const void*>(bytes.data()),
                            bytes.size(),
                            SQLITE_TRANSIENT));
  return *this;
}

bool Statement::step() {
  const int status = sqlite3_step(statement_.get());
  if (status == SQLITE_ROW) {
    return true;
  }
  if (status != SQLITE_DONE) {
    database_.raise_status(status);
  }
  return false;
}

void Statement::run() {
  while (step()) {
  }
  check(sqlite3_reset(statement_.get()));
  n_bound_ = 0;
}

std::string Statement::text(int column) const {
  const auto* data = sqlite3_column_text(statement_.get(), column);
  if (data == nullptr) {
    return {};
  }
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column));
  return {reinterpret_cast<const char*>(data), size};
}

std::span<const std::byte> Statement::bytes(int column) const {
  const auto* data = static_cast<const std::byte*>(sqlite3_column_blob(statement_.get(), column));
  return {data, static_cast<std::size_t>(sqlite3_column_bytes(statement_.get(), column))};
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

double Statement::real(int column) const {
  return sqlite3_column_double(statement_.get(), column);
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
}

std::optional<double> Statement::optional_real(int column) const {
  return is_null(column) ? std::nullopt : std::optional(real(column));
}

void Database::raise_status(int status) const {
  const int extended = handle_ ? sqlite3_extended_errcode(handle_.get()) : status;
  const char* detail = handle_ ? sqlite3_errmsg(handle_.get()) : sqlite3_errstr(status);
  raise(code_of(status), "{}: {} (SQLite {})", path_.string(), detail, extended);
}

Database Database::open(const std::filesystem::path& path, Mode mode) {
  const auto try_open = [&](std::string_view options, int flags) {
    sqlite3* handle = nullptr;
    const std::string uri = uri_of(path, options);
    const int status = sqlite3_open_v2(uri.c_str(), &handle, flags | SQLITE_OPEN_URI, nullptr);
    return std::pair(Database(path, handle), status);
  };
  if (mode == Mode::kCreate) {
    auto [database, status] = try_open("", SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    if (status != SQLITE_OK) {
      database.raise_status(status);
    }
    sqlite3_busy_timeout(database.handle_.get(), kBusyTimeoutMs);
    database.execute("PRAGMA foreign_keys = ON");
    database.execute("PRAGMA synchronous = FULL");
    return std::move(database);
  }
  // A folder that cannot be written has no room for the shared-memory file that reading a WAL
  // database needs; when no writer left a log behind, the file itself is complete and can be read
  // as it lies.
  auto [database, status] = try_open("?mode=ro", SQLITE_OPEN_READONLY);
  if (status == SQLITE_OK) {
    sqlite3_busy_timeout(database.handle_.get(), kBusyTimeoutMs);
    status =
        sqlite3_exec(database.handle_.get(), "PRAGMA schema_version", nullptr, nullptr, nullptr);
  }
  std::filesystem::path log = path;
  log += "-wal";
  if (code_of(status) == ErrorCode::kIo && status != SQLITE_BUSY && !std::filesystem::exists(log)) {
    std::tie(database, status) = try_open(kStill, SQLITE_OPEN_READONLY);
    database.is_still_ = true;
  }
  if (status != SQLITE_OK) {
    database.raise_status(status);
  }
  return std::move(database);
}

void Database::attach(const std::filesystem::path& path, std::string_view name) {
  const bool is_still = open(path, Mode::kReadOnly).is_still_;
  Statement attach(*this, fmt::format("ATTACH ? AS {}", name));
  attach.bind(uri_of(path, is_still ? kStill : "?mode=ro")).run();
}

void Database::execute(std::string_view sql) {
  const int status =
      sqlite3_exec(handle_.get(), std::string(sql).c_str(), nullptr, nullptr, nullptr);
  if (status != SQLITE_OK) {
    raise_status(status);
  }
}

std::int64_t Database::pragma(std::string_view name) {
  Statement statement(*this, fmt::format("PRAGMA {}", name));
  return statement.step() ? statement.integer(0) : 0;
}

Transaction::Transaction(Database& database) : database_(database) {
  database_.execute("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
  if (open_) {
    try {
      database_.execute("ROLLBACK");
    } catch (const Error&) {
      // SQLite has rolled back by itself (a full disk does that); nothing is left to undo.
    }
  }
}

void Transaction::commit() {
  database_.execute("COMMIT");
  open_ = false;
}

}  // namespace nibble::store
