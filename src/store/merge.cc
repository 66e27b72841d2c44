#include "store/merge.h"

#include <fcntl.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <set>
#include <system_error>
#include <vector>

#include "base/error.h"
#include "store/canonical.h"
#include "store/database.h"

namespace nibble::store {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kBetween = " | ";  // of values of one condition
constexpr std::size_t kShownText = 60;        // of a value in a message

/// A table whose rows must be the same wherever their keys are.
struct JoinedTable {
  std::string_view name;
  std::vector<std::string_view> keys;
  std::vector<std::string_view> values;
  bool may_lack = false;  ///< a value that one of the two lacks is no contradiction
};

const std::vector<JoinedTable>& joined_tables() {
  static const std::vector<JoinedTable> kJoinedTables = {
      {"variants", {"id"}, {"recipe_text", "recipe_hash"}},
      {"variants",
       {"id"},
       {"model_hash", "file_bytes", "memory_bytes", "bits_per_weight", "weight_types"},
       true},
      {"tasks", {"id"}, {"name", "version", "protocol", "data_hash", "n_samples"}},
      {"contexts", {"task"}, {"set_name", "mode", "n_documents", "budget", "gold_slot"}},
      {"metrics", {"task", "position"}, {"name", "unit", "higher_is_better", "transform"}},
      {"units", {"id"}, {"variant", "task", "settings"}},
      {"samples",
       {"unit", "idx"},
       {"sample_id",
        "prompt",
        "target",
        "answer",
        "n_cut_tokens",
        "hit_limit",
        "responses",
        "flags",
        "chance"}},
      {"scores", {"unit", "metric", "idx"}, {"sum", "weight"}},
      {"attention", {"unit", "idx"}, {"data"}},
  };
  return kJoinedTables;
}

/// "variant 'int4', task 'arc_easy'"; the key itself where it names no unit.
std::string unit_name(Database& database, std::string_view unit) {
  Statement select(database,
                   "SELECT v.name, t.name FROM part.units u JOIN part.variants v ON u.variant = "
                   "v.id LEFT JOIN part.tasks t ON u.task = t.id WHERE u.id = ?");
  select.bind(unit);
  if (!select.step()) {
    return fmt::format("'{}'", unit);
  }
  return select.is_null(1) ? fmt::format("variant '{}', speed", select.text(0))
                           : fmt::format("variant '{}', task '{}'", select.text(0), select.text(1));
}

/// A value as SQL writes it.
std::string shown(const Statement& row, int column) {
  const std::string text = row.text(column);
  return text.size() <= kShownText ? text : text.substr(0, kShownText) + "…";
}

/// Throws for the first row that both have and that differs.
void check_same(Database& database, const JoinedTable& table, const fs::path& store) {
  std::vector<std::string> differs, columns;
  for (const std::string_view key : table.keys) {
    columns.push_back(fmt::format("a.{}", key));
  }
  for (const std::string_view value : table.values) {
    differs.push_back(fmt::format("a.{0} {1} b.{0}", value, table.may_lack ? "<>" : "IS NOT"));
    columns.push_back(fmt::format("quote(a.{0}), quote(b.{0})", value));
  }
  // In this order, as the part is the smaller one.
  Statement select(
      database,
      fmt::format("SELECT {0} FROM part.{1} b CROSS JOIN main.{1} a USING ({2}) WHERE {3} LIMIT 1",
                  fmt::join(columns, ", "),
                  table.name,
                  fmt::join(table.keys, ", "),
                  fmt::join(differs, " OR ")));
  if (!select.step()) {
    return;
  }
  const int n_keys = static_cast<int>(table.keys.size());
  int column = n_keys;
  while (column < n_keys + 2 * static_cast<int>(table.values.size()) - 2 &&
         shown(select, column) == shown(select, column + 1)) {
    column += 2;
  }
  std::string where = fmt::format("{} ", table.name);
  for (int key = 0; key < n_keys; ++key) {
    const bool is_unit = table.keys[static_cast<std::size_t>(key)] == "unit";
    where += fmt::format(
        "{}{}",
        key == 0 ? "of " : ", ",
        is_unit
            ? unit_name(database, select.text(key))
            : fmt::format("{} {}", table.keys[static_cast<std::size_t>(key)], select.text(key)));
  }
  raise(ErrorCode::kMismatch,
        "{}: {}: {} is {}, but {} in the stores before it; they are not of one study",
        store.string(),
        where,
        table.values[static_cast<std::size_t>((column - n_keys) / 2)],
        shown(select, column + 1),
        shown(select, column));
}

std::set<std::string> values_of(std::string_view joined) {
  std::set<std::string> out;
  while (!joined.empty()) {
    const std::size_t end = std::min(joined.find(kBetween), joined.size());
    out.emplace(joined.substr(0, end));
    joined.remove_prefix(std::min(end + kBetween.size(), joined.size()));
  }
  return out;
}

std::vector<Condition> read_conditions(Database& database, std::string_view schema) {
  std::vector<Condition> out;
  Statement select(
      database, fmt::format("SELECT key, value, binding FROM {}.conditions ORDER BY key", schema));
  while (select.step()) {
    out.push_back({select.text(0), select.text(1), select.integer(2) != 0});
  }
  return out;
}

const Condition* find_condition(const std::vector<Condition>& rows, std::string_view key) {
  const auto found = std::ranges::find(rows, key, &Condition::key);
  return found != rows.end() ? &*found : nullptr;
}

/// Every binding condition of both, or an Error with all differences.
void check_binding(const std::vector<Condition>& before,
                   const std::vector<Condition>& now,
                   const fs::path& store) {
  std::string differences;
  const auto compare = [&](const std::vector<Condition>& rows, bool in_first) {
    for (const Condition& row : rows) {
      const Condition* other = find_condition(in_first ? now : before, row.key);
      if (!row.binding || (other != nullptr && (!in_first || other->value == row.value))) {
        continue;
      }
      const std::string absent = other != nullptr ? fmt::format("'{}'", other->value) : "nothing";
      const std::string present = fmt::format("'{}'", row.value);
      differences += fmt::format("\n  {}: {} before, {} here",
                                 row.key,
                                 in_first ? present : absent,
                                 in_first ? absent : present);
    }
  };
  compare(before, true);
  compare(now, false);
  if (!differences.empty()) {
    raise(ErrorCode::kMismatch,
          "{}: not a store of the same study. What differs from the stores before it:{}",
          store.string(),
          differences);
  }
}

void join_conditions(Database& database, const fs::path& store, bool is_first) {
  const auto before = read_conditions(database, "main");
  const auto now = read_conditions(database, "part");
  if (!is_first) {
    check_binding(before, now, store);
  }
  Statement insert(database, "INSERT OR REPLACE INTO main.conditions VALUES (?,?,?)");
  for (const Condition& row : now) {
    std::set<std::string> values = values_of(row.value);
    if (const Condition* known = find_condition(before, row.key)) {
      values.merge(values_of(known->value));
    }
    const std::string joined =
        row.binding ? row.value : fmt::format("{}", fmt::join(values, kBetween));
    insert.bind(row.key).bind(joined).bind(std::int64_t{row.binding}).run();
  }
}

std::int64_t number(Database& database, std::string_view sql) {
  Statement select(database, sql);
  return select.step() ? select.integer(0) : 0;
}

/// "int4/arc_easy" of a unit that one plan has and the other has not; "" for none.
std::string lacking(Database& database, std::string_view from, std::string_view in) {
  Statement select(database,
                   fmt::format("SELECT unit FROM {}.plan WHERE unit NOT IN (SELECT unit FROM "
                               "{}.plan) ORDER BY position LIMIT 1",
                               from,
                               in));
  if (!select.step()) {
    return "";
  }
  const std::string unit = select.text(0);
  Statement name(
      database,
      fmt::format("SELECT v.name, coalesce(t.name, 'speed') FROM {0}.units u JOIN {0}.variants v "
                  "ON u.variant = v.id LEFT JOIN {0}.tasks t ON u.task = t.id WHERE u.id = ?",
                  from));
  name.bind(unit);
  return name.step() ? fmt::format("{}/{}", name.text(0), name.text(1)) : unit;
}

/// Whether the part's plan is to take the place of the one so far.
bool asks_for_more(Database& database, const fs::path& store) {
  const std::string only_before = lacking(database, "main", "part");
  const std::string only_here = lacking(database, "part", "main");
  if (!only_before.empty() && !only_here.empty()) {
    raise(ErrorCode::kMismatch,
          "{}: its plan has the unit {}, which the stores before it have not, and lacks their unit "
          "{}; wanted stores of one study file",
          store.string(),
          only_here,
          only_before);
  }
  return !only_here.empty();
}

/// Names as the plan's store has them.
void take_plan(Database& database) {
  database.execute(
      "DELETE FROM main.plan; INSERT INTO main.plan SELECT * FROM part.plan;"
      "DELETE FROM main.notes; INSERT INTO main.notes SELECT * FROM part.notes;"
      "UPDATE main.variants SET (name, recipe_name) = (SELECT p.name, p.recipe_name FROM "
      "part.variants p WHERE p.id = variants.id) WHERE id IN (SELECT id FROM part.variants)");
}

/// What is known of a variant here and was not before.
void join_facts(Database& database) {
  database.execute(
      "UPDATE main.variants SET (model_hash, file_bytes, memory_bytes, bits_per_weight, "
      "weight_types) = (SELECT p.model_hash, p.file_bytes, p.memory_bytes, p.bits_per_weight, "
      "p.weight_types FROM part.variants p WHERE p.id = variants.id) WHERE model_hash IS NULL AND "
      "id IN (SELECT id FROM part.variants WHERE model_hash IS NOT NULL);"
      "UPDATE main.variants SET (quantize_seconds, quantize_cpu_seconds, quantize_peak_bytes) = "
      "(SELECT p.quantize_seconds, p.quantize_cpu_seconds, p.quantize_peak_bytes FROM "
      "part.variants p WHERE p.id = variants.id) WHERE quantize_seconds IS NULL AND id IN (SELECT "
      "id FROM part.variants WHERE quantize_seconds IS NOT NULL)");
}

void join_rows(Database& database, MergeCounts& counts) {
  counts.repeated_samples += static_cast<std::size_t>(number(
      database, "SELECT count(*) FROM part.samples CROSS JOIN main.samples USING (unit, idx)"));
  counts.repeated_units += static_cast<std::size_t>(
      number(database,
             "SELECT count(*) FROM (SELECT DISTINCT unit FROM part.measurements) p WHERE EXISTS "
             "(SELECT 1 FROM main.measurements m WHERE m.unit = p.unit)"));
  for (const std::string_view table :
       {"variants", "tasks", "contexts", "metrics", "units", "samples", "scores", "failures"}) {
    database.execute(fmt::format("INSERT OR IGNORE INTO main.{0} SELECT * FROM part.{0}", table));
  }
  database.execute(
      "INSERT OR IGNORE INTO main.attention (unit, idx, data) SELECT unit, idx, data FROM "
      "part.attention;"
      "INSERT INTO main.measurements SELECT * FROM part.measurements p WHERE NOT EXISTS (SELECT 1 "
      "FROM main.measurements m WHERE m.unit = p.unit)");
}

/// Of units that are whole now.
void forget_failures(Database& database) {
  database.execute(
      "DELETE FROM main.failures WHERE EXISTS (SELECT 1 FROM main.measurements m WHERE m.unit = "
      "failures.unit) OR (SELECT t.n_samples FROM main.units u JOIN main.tasks t ON u.task = t.id "
      "WHERE u.id = failures.unit) = (SELECT count(*) FROM main.samples s WHERE s.unit = "
      "failures.unit)");
}

void join_part(Database& database, const fs::path& store, MergeCounts& counts) {
  const bool is_first = counts.stores == 0;
  join_conditions(database, store, is_first);
  for (const JoinedTable& table : joined_tables()) {
    check_same(database, table, store);
  }
  const bool takes_plan = asks_for_more(database, store) || is_first;
  join_rows(database, counts);
  join_facts(database);
  if (takes_plan) {
    take_plan(database);
  }
  forget_failures(database);
  ++counts.stores;
}

void remove_database(const fs::path& path) {
  for (const std::string_view end : {"", "-wal", "-shm", "-journal"}) {
    std::error_code ignored;
    fs::remove(fs::path(path).concat(end), ignored);
  }
}

Store make_anew(const fs::path& path) {
  remove_database(path);
  return Store::open(path);
}

/// Detaches however the scope is left.
class Attached {
 public:
  Attached(Database& database, const fs::path& store) : database_(database) {
    database_.attach(store, "part");
  }
  ~Attached() {
    try {
      database_.execute("DETACH part");
    } catch (const Error&) {
      // The next attachment says what is wrong.
    }
  }
  Attached(const Attached&) = delete;
  Attached& operator=(const Attached&) = delete;

 private:
  Database& database_;
};

/// A log that a killed writer left behind would be taken for the new file's.
void close_log(const fs::path& path) {
  if (!fs::exists(path)) {
    remove_database(path);
    return;
  }
  Database database = Database::open(path, Database::Mode::kCreate);
  database.execute("PRAGMA journal_mode = DELETE");
}

void replace_file(const fs::path& finished, const fs::path& target) {
  std::error_code error;
  fs::rename(finished, target, error);
  if (error) {
    raise(ErrorCode::kIo, "{}: cannot be replaced: {}", target.string(), error.message());
  }
  const fs::path folder = target.has_parent_path() ? target.parent_path() : ".";
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0) {
    ::fsync(fd);
    ::close(fd);
  }
}

}  // namespace

Merger::Merger(fs::path work) : work_(std::move(work)), joined_(make_anew(work_)) {
  database_ = std::make_unique<Database>(Database::open(work_, Database::Mode::kCreate));
  database_->execute("PRAGMA synchronous = OFF");  // it is of no use after a crash
}

Merger::~Merger() {
  database_.reset();
  joined_ = Store::in_memory();
  remove_database(work_);
}

void Merger::add(const fs::path& store) {
  { const Store checked = Store::open_read_only(store); }
  const Attached attached(*database_, store);
  MergeCounts counts = counts_;
  Transaction transaction(*database_);
  join_part(*database_, store, counts);
  transaction.commit();
  counts_ = counts;
}

void Merger::publish(const fs::path& target) {
  fs::path finished = work_;
  finished += ".whole";
  remove_database(finished);
  write_canonical(work_, finished);
  close_log(target);
  replace_file(finished, target);
}

}  // namespace nibble::store
