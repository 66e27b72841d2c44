#include "store/store.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "store/database.h"
#include "store/schema.h"

namespace nibble::store {
namespace {

std::int64_t as_integer(std::size_t value) {
  return static_cast<std::int64_t>(value);
}
std::size_t as_size(std::int64_t value) {
  return value > 0 ? static_cast<std::size_t>(value) : 0;
}

/// A unit's flags in one column; no name has a comma.
std::string joined(const std::vector<std::string>& names) {
  return fmt::format("{}", fmt::join(names, ","));
}
std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(','), text.size());
    out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

void insert_variants(Database& database, std::span<const VariantRecord> variants) {
  Statement insert(
      database,
      "INSERT INTO variants (id, name, recipe_name, recipe_text, recipe_hash) VALUES (?,?,?,?,?) "
      "ON CONFLICT (id) DO UPDATE SET name = excluded.name, recipe_name = excluded.recipe_name");
  for (const VariantRecord& row : variants) {
    insert.bind(row.id).bind(row.name).bind(row.recipe_name).bind(row.recipe_text);
    insert.bind(row.recipe_hash).run();
  }
}

void insert_tasks(Database& database, std::span<const TaskRecord> tasks) {
  Statement insert(database, "INSERT OR IGNORE INTO tasks VALUES (?,?,?,?,?,?)");
  Statement insert_metric(database, "INSERT OR IGNORE INTO metrics VALUES (?,?,?,?,?,?)");
  for (const TaskRecord& row : tasks) {
    insert.bind(row.id).bind(row.name).bind(row.version).bind(row.protocol);
    insert.bind(row.data_hash).bind(as_integer(row.n_samples)).run();
    std::int64_t position = 0;
    for (const MetricRecord& metric : row.metrics) {
      insert_metric.bind(row.id).bind(position++).bind(metric.name).bind(metric.unit);
      insert_metric.bind(std::int64_t{metric.higher_is_better}).bind(metric.transform).run();
    }
  }
}

void insert_contexts(Database& database, std::span<const TaskRecord> tasks) {
  Statement insert(database, "INSERT OR IGNORE INTO contexts VALUES (?,?,?,?,?,?)");
  const auto bind = [&insert](std::optional<std::size_t> value) {
    value ? insert.bind(as_integer(*value)) : insert.bind_null();
  };
  for (const TaskRecord& row : tasks) {
    if (row.context) {
      insert.bind(row.id).bind(row.context->set).bind(row.context->mode);
      bind(row.context->n_documents);
      bind(row.context->budget);
      bind(row.context->gold_slot);
      insert.run();
    }
  }
}

void insert_units(Database& database, std::span<const UnitRecord> units) {
  Statement insert(database, "INSERT OR IGNORE INTO units VALUES (?,?,?,?)");
  Statement insert_plan(database, "INSERT INTO plan (unit) VALUES (?)");
  for (const UnitRecord& row : units) {
    insert.bind(row.id).bind(row.variant);
    row.task.empty() ? insert.bind_null() : insert.bind(row.task);
    insert.bind(row.settings).run();
    insert_plan.bind(row.id).run();
  }
}

std::vector<UnitRecord> read_units(Database& database) {
  std::vector<UnitRecord> units;
  Statement select(
      database,
      "SELECT id, variant, task, settings FROM plan JOIN units ON unit = id ORDER BY position");
  while (select.step()) {
    units.push_back({select.text(0), select.text(1), select.text(2), select.text(3)});
  }
  return units;
}

std::optional<QuantizeCost> read_cost(const Statement& row) {
  if (row.is_null(10)) {
    return std::nullopt;
  }
  QuantizeCost cost{row.real(10), row.real(11), {}};
  if (!row.is_null(12)) {
    cost.peak_bytes = as_size(row.integer(12));
  }
  return cost;
}

VariantRecord read_variant(const Statement& row) {
  VariantRecord variant{row.text(0), row.text(1), row.text(2), row.text(3), row.text(4), {}};
  if (!row.is_null(5)) {
    variant.facts = VariantFacts{row.text(5),
                                 as_size(row.integer(6)),
                                 as_size(row.integer(7)),
                                 row.real(8),
                                 row.text(9),
                                 read_cost(row)};
  }
  return variant;
}

void set_cost(Database& database, std::string_view variant, const QuantizeCost& cost) {
  Statement update(database,
                   "UPDATE variants SET quantize_seconds = ?, quantize_cpu_seconds = ?, "
                   "quantize_peak_bytes = ? WHERE id = ?");
  update.bind(cost.seconds).bind(cost.cpu_seconds);
  cost.peak_bytes ? update.bind(as_integer(*cost.peak_bytes)) : update.bind_null();
  update.bind(variant).run();
}

std::vector<VariantRecord> read_variants(Database& database) {
  std::vector<VariantRecord> variants;
  Statement select(
      database,
      "SELECT v.* FROM plan JOIN units u ON plan.unit = u.id JOIN variants v ON u.variant = v.id "
      "GROUP BY v.id ORDER BY min(position)");
  while (select.step()) {
    variants.push_back(read_variant(select));
  }
  return variants;
}

std::vector<MetricRecord> read_metrics(Database& database, std::string_view task) {
  std::vector<MetricRecord> metrics;
  Statement select(database,
                   "SELECT name, unit, higher_is_better, transform FROM metrics WHERE task = ? "
                   "ORDER BY position");
  select.bind(task);
  while (select.step()) {
    metrics.push_back({select.text(0), select.text(1), select.integer(2) != 0, select.text(3)});
  }
  return metrics;
}

std::optional<ContextRecord> read_context(Database& database, std::string_view task) {
  Statement select(
      database,
      "SELECT set_name, mode, n_documents, budget, gold_slot FROM contexts WHERE task = ?");
  select.bind(task);
  if (!select.step()) {
    return std::nullopt;
  }
  const auto size = [&select](int column) {
    return select.is_null(column) ? std::nullopt : std::optional(as_size(select.integer(column)));
  };
  return ContextRecord{select.text(0), select.text(1), size(2), size(3), size(4)};
}

std::vector<TaskRecord> read_tasks(Database& database) {
  std::vector<TaskRecord> tasks;
  Statement select(
      database,
      "SELECT t.* FROM plan JOIN units u ON plan.unit = u.id JOIN tasks t ON u.task = t.id "
      "GROUP BY t.id ORDER BY min(position)");
  while (select.step()) {
    tasks.push_back({select.text(0),
                     select.text(1),
                     select.integer(2),
                     select.text(3),
                     select.text(4),
                     as_size(select.integer(5)),
                     read_metrics(database, select.text(0)),
                     read_context(database, select.text(0))});
  }
  return tasks;
}

}  // namespace

Snapshot::Snapshot(const Store& store) : database_(*store.database_) {
  database_.execute("BEGIN");
}

Snapshot::~Snapshot() {
  try {
    database_.execute("COMMIT");
  } catch (const Error&) {
    // Nothing was written; an error of reading has been told where it was met.
  }
}

Store::Store(std::unique_ptr<Database> database) : database_(std::move(database)) {}
Store::Store(Store&&) noexcept = default;
Store& Store::operator=(Store&&) noexcept = default;
Store::~Store() = default;

Store Store::open(const std::filesystem::path& path) {
  auto database = std::make_unique<Database>(Database::open(path, Database::Mode::kCreate));
  create_schema(*database);
  check_identity(*database);
  database->execute("PRAGMA journal_mode = WAL");  // readers may look while a study runs
  return Store(std::move(database));
}

Store Store::in_memory() {
  return open(":memory:");
}

Store Store::open_read_only(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) {
    raise(ErrorCode::kNotFound, "{}: no such store", path.string());
  }
  auto database = std::make_unique<Database>(Database::open(path, Database::Mode::kReadOnly));
  check_identity(*database);
  return Store(std::move(database));
}

std::vector<Condition> Store::conditions() const {
  std::vector<Condition> out;
  Statement select(*database_, "SELECT key, value, binding FROM conditions ORDER BY key");
  while (select.step()) {
    out.push_back({select.text(0), select.text(1), select.integer(2) != 0});
  }
  return out;
}

void Store::replace_conditions(std::span<const Condition> conditions) {
  Transaction transaction(*database_);
  database_->execute("DELETE FROM conditions");
  Statement insert(*database_, "INSERT INTO conditions VALUES (?,?,?)");
  for (const Condition& row : conditions) {
    insert.bind(row.key).bind(row.value).bind(std::int64_t{row.binding}).run();
  }
  transaction.commit();
}

std::vector<std::string> Store::notes() const {
  std::vector<std::string> out;
  Statement select(*database_, "SELECT text FROM notes ORDER BY position");
  while (select.step()) {
    out.push_back(select.text(0));
  }
  return out;
}

void Store::replace_notes(std::span<const std::string> notes) {
  Transaction transaction(*database_);
  database_->execute("DELETE FROM notes");
  Statement insert(*database_, "INSERT INTO notes (text) VALUES (?)");
  for (const std::string& text : notes) {
    insert.bind(text).run();
  }
  transaction.commit();
}

void Store::replace_plan(const Plan& plan) {
  Transaction transaction(*database_);
  database_->execute("DELETE FROM plan; DELETE FROM failures;");
  insert_variants(*database_, plan.variants);
  insert_tasks(*database_, plan.tasks);
  insert_contexts(*database_, plan.tasks);
  insert_units(*database_, plan.units);
  transaction.commit();
}

Plan Store::plan() const {
  return {read_variants(*database_), read_tasks(*database_), read_units(*database_)};
}

void Store::set_facts(std::string_view variant, const VariantFacts& facts) {
  Transaction transaction(*database_);
  Statement update(
      *database_,
      "UPDATE variants SET model_hash = ?, file_bytes = ?, memory_bytes = ?, bits_per_weight = ?, "
      "weight_types = ? WHERE id = ?");
  update.bind(facts.model_hash).bind(as_integer(facts.file_bytes));
  update.bind(as_integer(facts.memory_bytes)).bind(facts.bits_per_weight);
  update.bind(facts.weight_types).bind(variant).run();
  if (facts.cost) {
    set_cost(*database_, variant, *facts.cost);
  }
  transaction.commit();
}

void Store::add_samples(std::string_view unit, std::span<const SampleRecord> samples) {
  Transaction transaction(*database_);
  Statement insert(*database_, "INSERT INTO samples VALUES (?,?,?,?,?,?,?,?,?,?,?)");
  Statement insert_score(*database_, "INSERT INTO scores VALUES (?,?,?,?,?)");
  Statement insert_attention(*database_, "INSERT INTO attention VALUES (?,?,?)");
  for (const SampleRecord& row : samples) {
    insert.bind(unit).bind(as_integer(row.index)).bind(row.sample_id).bind(row.prompt);
    insert.bind(row.target).bind(row.answer);
    insert.bind(as_integer(row.n_cut_tokens)).bind(std::int64_t{row.hit_limit});
    insert.bind(row.responses).bind(joined(row.flags)).bind(row.chance).run();
    for (const ScoreRecord& score : row.scores) {
      insert_score.bind(unit).bind(as_integer(row.index)).bind(score.metric);
      if (score.ratio) {
        insert_score.bind(score.ratio->sum).bind(score.ratio->weight).run();
      } else {
        insert_score.bind_null().bind_null().run();
      }
    }
    if (!row.attention.empty()) {
      insert_attention.bind(unit).bind(as_integer(row.index));
      insert_attention.bind_bytes(std::as_bytes(std::span(row.attention))).run();
    }
  }
  transaction.commit();
}

std::vector<std::size_t> Store::sample_indexes(std::string_view unit) const {
  std::vector<std::size_t> out;
  Statement select(*database_, "SELECT idx FROM samples WHERE unit = ? ORDER BY idx");
  select.bind(unit);
  while (select.step()) {
    out.push_back(as_size(select.integer(0)));
  }
  return out;
}

std::map<std::string, std::size_t, std::less<>> Store::sample_counts() const {
  std::map<std::string, std::size_t, std::less<>> out;
  Statement select(*database_, "SELECT unit, count(*) FROM samples GROUP BY unit");
  while (select.step()) {
    out.emplace(select.text(0), as_size(select.integer(1)));
  }
  return out;
}

std::vector<std::string> Store::sample_ids(std::string_view unit) const {
  std::vector<std::string> out;
  Statement select(*database_, "SELECT sample_id FROM samples WHERE unit = ? ORDER BY idx");
  select.bind(unit);
  while (select.step()) {
    out.push_back(select.text(0));
  }
  return out;
}

std::vector<ScoreRow> Store::scores(std::string_view unit, std::string_view metric) const {
  std::vector<ScoreRow> out;
  Statement select(
      *database_, "SELECT idx, sum, weight FROM scores WHERE unit = ? AND metric = ? ORDER BY idx");
  select.bind(unit).bind(metric);
  while (select.step()) {
    ScoreRow row{as_size(select.integer(0)), {}};
    if (!select.is_null(1)) {
      row.ratio = ScoreRecord::Ratio{select.real(1), select.real(2)};
    }
    out.push_back(row);
  }
  return out;
}

CutCounts Store::cut_samples(std::string_view unit) const {
  Statement select(
      *database_,
      "SELECT count(*) FILTER (WHERE n_cut_tokens > 0), count(*) FILTER (WHERE hit_limit), "
      "count(*) FROM samples WHERE unit = ?");
  select.bind(unit).step();
  return {as_size(select.integer(0)), as_size(select.integer(1)), as_size(select.integer(2))};
}

DoubtCounts Store::doubtful_samples(std::string_view unit) const {
  DoubtCounts out;
  Statement select(*database_,
                   "SELECT flags, count(*) FROM samples WHERE unit = ? AND flags <> '' "
                   "GROUP BY flags");
  select.bind(unit);
  while (select.step()) {
    for (const std::string& flag : split(select.text(0))) {
      out.flags[flag] += as_size(select.integer(1));
    }
  }
  Statement mean(*database_, "SELECT avg(chance) FROM samples WHERE unit = ?");
  mean.bind(unit).step();
  out.chance = mean.optional_real(0);
  return out;
}

std::optional<SampleRecord> Store::sample(std::string_view unit, std::size_t index) const {
  Statement select(*database_,
                   "SELECT sample_id, prompt, target, answer, n_cut_tokens, hit_limit, responses, "
                   "flags, chance FROM samples WHERE unit = ? AND idx = ?");
  select.bind(unit).bind(as_integer(index));
  if (!select.step()) {
    return std::nullopt;
  }
  SampleRecord out{index,
                   select.text(0),
                   select.text(1),
                   select.text(2),
                   select.text(3),
                   {},
                   as_size(select.integer(4)),
                   select.integer(5) != 0,
                   select.text(6),
                   split(select.text(7)),
                   select.optional_real(8)};
  Statement scores(
      *database_,
      "SELECT metric, sum, weight FROM scores WHERE unit = ? AND idx = ? ORDER BY metric");
  scores.bind(unit).bind(as_integer(index));
  while (scores.step()) {
    ScoreRecord score{scores.text(0), {}};
    if (!scores.is_null(1)) {
      score.ratio = ScoreRecord::Ratio{scores.real(1), scores.real(2)};
    }
    out.scores.push_back(std::move(score));
  }
  return out;
}

std::optional<std::string> Store::attention(std::string_view unit, std::size_t index) const {
  Statement select(*database_, "SELECT data FROM attention WHERE unit = ? AND idx = ?");
  select.bind(unit).bind(as_integer(index));
  if (!select.step()) {
    return std::nullopt;
  }
  const std::span<const std::byte> bytes = select.bytes(0);
  return std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

void Store::add_measurements(std::string_view unit,
                             std::span<const MeasurementRecord> measurements) {
  Transaction transaction(*database_);
  Statement insert(*database_, "INSERT INTO measurements VALUES (?,?,?,?,?,?)");
  for (const MeasurementRecord& row : measurements) {
    insert.bind(unit).bind(row.name).bind(row.unit_of_measure).bind(as_integer(row.repetition));
    insert.bind(row.value).bind(row.reason).run();
  }
  transaction.commit();
}

std::vector<MeasurementRecord> Store::measurements(std::string_view unit) const {
  std::vector<MeasurementRecord> out;
  Statement select(
      *database_,
      "SELECT name, unit_of_measure, repetition, value, reason FROM measurements WHERE unit = ? "
      "ORDER BY name, repetition");
  select.bind(unit);
  while (select.step()) {
    out.push_back({select.text(0),
                   select.text(1),
                   as_size(select.integer(2)),
                   select.optional_real(3),
                   select.text(4)});
  }
  return out;
}

std::set<std::string, std::less<>> Store::measured_units() const {
  std::set<std::string, std::less<>> out;
  Statement select(*database_, "SELECT DISTINCT unit FROM measurements");
  while (select.step()) {
    out.insert(select.text(0));
  }
  return out;
}

void Store::add_failure(const FailureRecord& failure) {
  Transaction transaction(*database_);
  Statement insert(*database_, "INSERT OR REPLACE INTO failures VALUES (?,?)");
  insert.bind(failure.unit).bind(failure.message).run();
  transaction.commit();
}

std::vector<FailureRecord> Store::failures() const {
  std::vector<FailureRecord> out;
  Statement select(*database_, "SELECT unit, message FROM failures ORDER BY unit");
  while (select.step()) {
    out.push_back({select.text(0), select.text(1)});
  }
  return out;
}

void Store::replace_summaries(std::span<const SummaryRecord> summaries) {
  Transaction transaction(*database_);
  database_->execute("DELETE FROM summaries");
  Statement insert(*database_, "INSERT INTO summaries VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
  const auto count = [](std::optional<std::size_t> n) {
    return n ? std::optional(as_integer(*n)) : std::nullopt;
  };
  for (const SummaryRecord& row : summaries) {
    insert.bind(row.unit).bind(row.metric).bind(as_integer(row.n)).bind(as_integer(row.unanswered));
    insert.bind(row.value).bind(row.low).bind(row.high);
    if (const auto& with = row.comparison) {
      insert.bind(with->difference).bind(with->low).bind(with->high).bind(with->p_value);
      insert.bind(with->p_adjusted).bind(as_integer(with->n));
      insert.bind(count(with->lost)).bind(count(with->gained));
    } else {
      for (int i = 0; i < 8; ++i) {
        insert.bind_null();
      }
    }
    insert.run();
  }
  transaction.commit();
}

std::vector<SummaryRecord> Store::summaries() const {
  std::vector<SummaryRecord> out;
  Statement select(*database_, "SELECT * FROM summaries ORDER BY unit, metric");
  const auto count = [&](int column) {
    return select.is_null(column) ? std::nullopt : std::optional(as_size(select.integer(column)));
  };
  while (select.step()) {
    SummaryRecord row{select.text(0),
                      select.text(1),
                      as_size(select.integer(2)),
                      as_size(select.integer(3)),
                      select.optional_real(4),
                      select.optional_real(5),
                      select.optional_real(6),
                      {}};
    if (!select.is_null(7)) {
      row.comparison = ComparisonRecord{select.real(7),
                                        select.real(8),
                                        select.real(9),
                                        select.real(10),
                                        select.real(11),
                                        as_size(select.integer(12)),
                                        count(13),
                                        count(14)};
    }
    out.push_back(std::move(row));
  }
  return out;
}

}  // namespace nibble::store
