#include "store/schema.h"

#include <fmt/format.h>

#include <set>
#include <string>

#include "base/error.h"
#include "embedded/schema.h"
#include "store/database.h"
#include "store/store.h"

namespace nibble::store {
namespace {

/// "nbst" in PRAGMA application_id: tells a store from any other SQLite file.
constexpr std::int64_t kApplicationId = 0x6e627374;

bool is_empty(Database& database) {
  Statement statement(database, "SELECT count(*) FROM sqlite_schema");
  return statement.step() && statement.integer(0) == 0;
}

std::set<std::string> table_names(Database& database) {
  std::set<std::string> names;
  Statement select(database, "SELECT name FROM sqlite_schema WHERE type = 'table'");
  while (select.step()) {
    names.insert(select.text(0));
  }
  return names;
}

void check_tables(Database& database) {
  Database whole = Database::open(":memory:", Database::Mode::kCreate);
  whole.execute(schema_files().front().text);
  const std::set<std::string> present = table_names(database);
  for (const std::string& name : table_names(whole)) {
    if (!present.contains(name)) {
      raise(ErrorCode::kCorruptData,
            "{}: the table '{}' is missing; the store is damaged",
            database.path().string(),
            name);
    }
  }
}

}  // namespace

void check_identity(Database& database) {
  if (database.pragma("application_id") != kApplicationId) {
    raise(ErrorCode::kCorruptData, "{}: not a store of nibble", database.path().string());
  }
  const std::int64_t version = database.pragma("user_version");
  if (version != kSchemaVersion) {
    raise(ErrorCode::kMismatch,
          "{}: a store of version {}, this program reads and writes version {}",
          database.path().string(),
          version,
          kSchemaVersion);
  }
  check_tables(database);
}

void create_schema(Database& database) {
  if (!is_empty(database)) {
    return;
  }
  Transaction transaction(database);
  if (is_empty(database)) {  // another process may have been faster
    database.execute(schema_files().front().text);
    database.execute(fmt::format("PRAGMA application_id = {}", kApplicationId));
    database.execute(fmt::format("PRAGMA user_version = {}", kSchemaVersion));
  }
  transaction.commit();
}

}  // namespace nibble::store
