#include "rag/index/index_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <limits>
#include <map>

#include "base/error.h"
#include "base/hash.h"
#include "embedded/rag_schema.h"

namespace nibble::rag {
namespace {

using store::Database;
using store::Statement;
using store::Transaction;

/// "nbrg" in PRAGMA application_id.
constexpr std::int64_t kApplicationId = 0x6e627267;
constexpr std::int64_t kVersion = 2;
constexpr std::size_t kMaxDims = 65'536;

struct Setting {
  const char* name;
  std::string IndexSettings::*member;
};
constexpr std::array kTexts = {Setting{"passages", &IndexSettings::passages},
                               Setting{"encoder", &IndexSettings::encoder},
                               Setting{"codec", &IndexSettings::codec},
                               Setting{"arithmetic", &IndexSettings::arithmetic},
                               Setting{"encoder_hash", &IndexSettings::encoder_hash}};

void write_setting(Database& database, std::string_view name, std::string_view value) {
  Statement(database, "INSERT INTO settings VALUES (?, ?)").bind(name).bind(value).run();
}

void create(Database& database, const IndexSettings& settings) {
  Transaction transaction(database);
  database.execute(rag_schema_files().front().text);
  database.execute(fmt::format("PRAGMA application_id = {}", kApplicationId));
  database.execute(fmt::format("PRAGMA user_version = {}", kVersion));
  for (const Setting& setting : kTexts) {
    write_setting(database, setting.name, settings.*setting.member);
  }
  write_setting(database, "dims", std::to_string(settings.dims));
  transaction.commit();
}

void check_identity(Database& database) {
  if (database.pragma("application_id") != kApplicationId) {
    raise(ErrorCode::kCorruptData, "{}: not an index of nibble", database.path().string());
  }
  const std::int64_t version = database.pragma("user_version");
  if (version != kVersion) {
    raise(ErrorCode::kMismatch,
          "{}: an index of version {}, this program reads and writes version {}; index again",
          database.path().string(),
          version,
          kVersion);
  }
}

IndexSettings read_settings(Database& database) {
  std::map<std::string, std::string> values;
  Statement select(database, "SELECT name, value FROM settings");
  while (select.step()) {
    values[select.text(0)] = select.text(1);
  }
  IndexSettings out;
  for (const Setting& setting : kTexts) {
    out.*setting.member = values[setting.name];
  }
  const std::string& dims = values["dims"];
  const auto [end, error] = std::from_chars(dims.data(), dims.data() + dims.size(), out.dims);
  if (error != std::errc() || out.passages.empty() || out.dims > kMaxDims ||
      (out.dims == 0) != out.encoder_hash.empty()) {
    raise(ErrorCode::kCorruptData,
          "{}: the settings of the index are damaged",
          database.path().string());
  }
  return out;
}

void require_equal(const std::filesystem::path& path,
                   const char* what,
                   const std::string& made_with,
                   const std::string& given) {
  if (made_with != given) {
    raise(ErrorCode::kMismatch,
          "{}: was made with {} '{}', given is '{}'; use a new index for other settings",
          path.string(),
          what,
          made_with,
          given);
  }
}

std::string hash_of(const Document& document) {
  return Sha256().field(document.title).field(document.text).hex();
}

Passage passage_of(Statement& row) {
  return {.id = row.integer(0),
          .document = row.text(1),
          .title = row.text(2),
          .first = static_cast<std::size_t>(row.integer(3)),
          .text = row.text(4)};
}

constexpr std::string_view kPassageColumns =
    "SELECT p.id, d.name, d.title, p.first, p.text, p.vector FROM passages p "
    "JOIN documents d ON d.id = p.document ";

}  // namespace

IndexFile::IndexFile(Database database, IndexSettings settings)
    : database_(std::move(database)), settings_(std::move(settings)) {}

IndexFile IndexFile::open_or_create(const std::filesystem::path& path,
                                    const IndexSettings& settings) {
  Database database = Database::open(path, Database::Mode::kCreate);
  Statement count(database, "SELECT count(*) FROM sqlite_schema");
  count.step();
  if (count.integer(0) == 0) {
    count.run();
    create(database, settings);
  }
  check_identity(database);
  IndexSettings made_with = read_settings(database);
  require_equal(path, "passages", made_with.passages, settings.passages);
  require_equal(path, "the codec", made_with.codec, settings.codec);
  require_equal(path, "arithmetic", made_with.arithmetic, settings.arithmetic);
  require_equal(path, "the encoder of hash", made_with.encoder_hash, settings.encoder_hash);
  return {std::move(database), std::move(made_with)};
}

IndexFile IndexFile::open(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path)) {
    raise(ErrorCode::kNotFound, "{}: no such index; nibble rag index makes one", path.string());
  }
  Database database = Database::open(path, Database::Mode::kReadOnly);
  check_identity(database);
  IndexSettings settings = read_settings(database);
  return {std::move(database), std::move(settings)};
}

IndexCounts IndexFile::counts() {
  Statement select(database_,
                   "SELECT (SELECT count(*) FROM documents), (SELECT count(*) FROM passages), "
                   "(SELECT count(*) FROM passages WHERE vector IS NULL)");
  select.step();
  return {static_cast<std::size_t>(select.integer(0)),
          static_cast<std::size_t>(select.integer(1)),
          static_cast<std::size_t>(select.integer(2))};
}

void IndexFile::begin_run() {
  Statement select(database_, "SELECT coalesce(max(run), 0) FROM documents");
  select.step();
  run_ = select.integer(0) + 1;
}

IndexFile::Change IndexFile::look_at(const Document& document) {
  Statement select(database_, "SELECT id, hash FROM documents WHERE name = ?");
  select.bind(document.name);
  if (!select.step()) {
    return Change::kNew;
  }
  if (select.text(1) != hash_of(document)) {
    return Change::kChanged;
  }
  Statement(database_, "UPDATE documents SET run = ? WHERE id = ?")
      .bind(run_)
      .bind(select.integer(0))
      .run();
  return Change::kSame;
}

void IndexFile::put(const Document& document, std::span<const TextRange> passages) {
  Statement(database_, "DELETE FROM documents WHERE name = ?").bind(document.name).run();
  Statement(database_, "INSERT INTO documents (name, title, hash, run) VALUES (?, ?, ?, ?)")
      .bind(document.name)
      .bind(document.title)
      .bind(hash_of(document))
      .bind(run_)
      .run();
  Statement last(database_, "SELECT last_insert_rowid()");
  last.step();
  Statement insert(database_, "INSERT INTO passages (document, first, text) VALUES (?, ?, ?)");
  for (const TextRange& range : passages) {
    insert.bind(last.integer(0))
        .bind(static_cast<std::int64_t>(range.begin))
        .bind(range.of(document.text))
        .run();
  }
}

std::size_t IndexFile::drop_old() {
  Statement count(database_, "SELECT count(*) FROM documents WHERE run < ?");
  count.bind(run_).step();
  const auto n = static_cast<std::size_t>(count.integer(0));
  Statement(database_, "DELETE FROM documents WHERE run < ?").bind(run_).run();
  return n;
}

std::vector<Passage> IndexFile::without_vector(std::size_t n) {
  Statement select(database_,
                   fmt::format("{} WHERE p.vector IS NULL ORDER BY p.id LIMIT ?", kPassageColumns));
  select.bind(static_cast<std::int64_t>(n));
  std::vector<Passage> out;
  while (select.step()) {
    out.push_back(passage_of(select));
  }
  return out;
}

void IndexFile::set_vectors(std::span<const Passage> passages, std::span<const float> vectors) {
  NIBBLE_CHECK(vectors.size() == passages.size() * settings_.dims,
               "set_vectors: one vector for each passage is wanted");
  Transaction transaction(database_);
  Statement update(database_, "UPDATE passages SET vector = ? WHERE id = ?");
  for (std::size_t i = 0; i < passages.size(); ++i) {
    const auto vector = vectors.subspan(i * settings_.dims, settings_.dims);
    update.bind_bytes(std::as_bytes(vector)).bind(passages[i].id).run();
  }
  transaction.commit();
}

namespace {

/// The vector of a passage, checked against the settings; empty where there is none.
void read_vector(std::span<const std::byte> bytes,
                 const IndexSettings& settings,
                 const std::filesystem::path& path,
                 std::vector<float>& out) {
  if (!bytes.empty() && bytes.size() != settings.dims * sizeof(float)) {
    raise(ErrorCode::kCorruptData,
          "{}: a vector of {} bytes, {} are wanted",
          path.string(),
          bytes.size(),
          settings.dims * sizeof(float));
  }
  out.resize(bytes.size() / sizeof(float));
  if (!bytes.empty()) {
    std::memcpy(out.data(), bytes.data(), bytes.size());
  }
}

}  // namespace

void IndexFile::for_each(FunctionRef<void(Passage&&, std::span<const float>)> f) {
  Statement select(database_, fmt::format("{} ORDER BY p.id", kPassageColumns));
  std::vector<float> vector;
  while (select.step()) {
    read_vector(select.bytes(5), settings_, database_.path(), vector);
    f(passage_of(select), vector);
  }
}

void IndexFile::for_each_vector(std::size_t n, FunctionRef<void(std::span<const float>)> f) {
  constexpr std::size_t kMost = std::numeric_limits<std::int64_t>::max();
  Statement select(database_, "SELECT vector FROM passages ORDER BY id LIMIT ?");
  select.bind(static_cast<std::int64_t>(std::min(n, kMost)));
  std::vector<float> vector;
  while (select.step()) {
    read_vector(select.bytes(0), settings_, database_.path(), vector);
    if (vector.empty()) {
      raise(ErrorCode::kUnsupported,
            "{}: a passage has no vector yet; run nibble rag index again to finish it",
            database_.path().string());
    }
    f(vector);
  }
}

Passage IndexFile::passage(std::int64_t id) {
  Statement select(database_, fmt::format("{} WHERE p.id = ?", kPassageColumns));
  select.bind(id);
  NIBBLE_CHECK(select.step(), "passage: no such id");
  return passage_of(select);
}

std::vector<float> IndexFile::vector(std::int64_t id) {
  Statement select(database_, fmt::format("{} WHERE p.id = ?", kPassageColumns));
  select.bind(id);
  NIBBLE_CHECK(select.step(), "vector: no such id");
  std::vector<float> out;
  read_vector(select.bytes(5), settings_, database_.path(), out);
  return out;
}

}  // namespace nibble::rag
