#include "rag/index/ann_store.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>
#include <map>

#include "base/error.h"
#include "base/hash.h"

namespace nibble::rag {
namespace {

using store::Database;
using store::Statement;
using store::Transaction;

/// Vectors of a link of the chain of hashes.
constexpr std::size_t kHashBlock = 1024;
/// Bytes of a part: SQLite holds no more than 10^9 in one value.
constexpr std::size_t kPart = std::size_t{16} << 20;

constexpr std::string_view kMakeTable =
    "CREATE TABLE IF NOT EXISTS ann (part INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT";

bool has_parts(Database& database) {
  Statement select(database, "SELECT count(*) FROM sqlite_schema WHERE name = 'ann'");
  select.step();
  return select.integer(0) != 0;
}

/// Bytes into parts, hashed on their way.
class PartSink final : public ByteSink {
 public:
  explicit PartSink(Database& database) : insert_(database, "INSERT INTO ann VALUES (?, ?)") {
    part_.reserve(kPart);
  }

  void write(std::span<const std::byte> bytes) override {
    n_bytes_ += bytes.size();
    while (!bytes.empty()) {
      const auto some = bytes.first(std::min(bytes.size(), kPart - part_.size()));
      part_.insert(part_.end(), some.begin(), some.end());
      bytes = bytes.subspan(some.size());
      if (part_.size() == kPart) {
        flush();
      }
    }
  }
  void finish(AnnRecord& record) {
    if (!part_.empty()) {
      flush();
    }
    record.n_bytes = n_bytes_;
    record.bytes_hash = hash_.hex();
  }

 private:
  void flush() {
    hash_.bytes(part_);
    insert_.bind(n_parts_++).bind_bytes(part_).run();
    part_.clear();
  }

  Statement insert_;
  Sha256 hash_;
  std::vector<std::byte> part_;
  std::int64_t n_parts_ = 0;
  std::size_t n_bytes_ = 0;
};

class PartSource final : public ByteSource {
 public:
  PartSource(Database& database, std::size_t n_bytes)
      : database_(database), select_(database, "SELECT bytes FROM ann ORDER BY part") {
    Statement sum(database, "SELECT coalesce(sum(length(bytes)), 0) FROM ann");
    sum.step();
    remaining_ = static_cast<std::size_t>(sum.integer(0));
    if (remaining_ != n_bytes) {
      raise(ErrorCode::kCorruptData,
            "{}: the index of neighbours has {} bytes, {} were written",
            database.path().string(),
            remaining_,
            n_bytes);
    }
  }

  std::size_t remaining() const noexcept override { return remaining_; }
  void read(std::span<std::byte> out) override {
    if (out.size() > remaining_) {
      raise(ErrorCode::kCorruptData,
            "{}: the index of neighbours ends too early",
            database_.path().string());
    }
    remaining_ -= out.size();
    while (!out.empty()) {
      if (left_.empty()) {
        next_part();
      }
      const std::size_t n = std::min(out.size(), left_.size());
      std::memcpy(out.data(), left_.data(), n);
      left_ = left_.subspan(n);
      out = out.subspan(n);
    }
  }
  std::string hash() { return hash_.hex(); }

 private:
  void next_part() {
    do {
      if (!select_.step()) {
        raise(ErrorCode::kCorruptData,
              "{}: a part of the index of neighbours is missing",
              database_.path().string());
      }
      left_ = select_.bytes(0);
    } while (left_.empty());
    hash_.bytes(left_);
  }

  Database& database_;
  Statement select_;
  Sha256 hash_;
  std::span<const std::byte> left_;
  std::size_t remaining_ = 0;
};

std::size_t read_count(const std::string& text) {
  std::size_t out = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size()
             ? out
             : std::numeric_limits<std::size_t>::max();
}

}  // namespace

void VectorsHash::add(std::span<const float> vector) {
  block_.insert(block_.end(), vector.begin(), vector.end());
  if (++n_ % kHashBlock == 0) {
    chain_ = hex();
    block_.clear();
  }
}

std::string VectorsHash::hex() const {
  return Sha256().field(chain_).bytes(std::as_bytes(std::span(block_))).hex();
}

AnnRecord read_ann_record(IndexFile& index) {
  Database& database = index.database();
  std::map<std::string, std::string> values;
  Statement select(database, "SELECT name, value FROM settings WHERE name LIKE 'ann.%'");
  while (select.step()) {
    values[select.text(0)] = select.text(1);
  }
  if (values.empty()) {
    return {};
  }
  const auto asked = AnnSettings::parse(values["ann.asked"]);
  const auto made = AnnSettings::parse(values["ann.made"]);
  AnnRecord out{.n = read_count(values["ann.passages"]),
                .n_at_training = read_count(values["ann.passages_at_training"]),
                .vectors_hash = values["ann.vectors_hash"],
                .n_bytes = read_count(values["ann.bytes"]),
                .bytes_hash = values["ann.bytes_hash"]};
  constexpr std::size_t kMost = std::numeric_limits<std::int32_t>::max();
  const std::size_t dims = index.settings().dims;
  const bool is_whole = asked && made && out.n <= kMost && out.n_at_training <= kMost &&
                        out.n_bytes != std::numeric_limits<std::size_t>::max();
  if (is_whole) {
    out.asked = asked.value();
    out.made = made.value();
  }
  const bool is_flat = out.made.kind == AnnKind::kFlat;
  if (!is_whole || (!is_flat && (dims == 0 || out.n == 0))) {
    raise(ErrorCode::kCorruptData,
          "{}: the settings of the index of neighbours are damaged",
          database.path().string());
  }
  if (!is_flat) {
    const auto resolved = out.made.resolved(out.n, dims);
    if (!resolved || resolved.value() != out.made) {
      raise(ErrorCode::kCorruptData,
            "{}: '{}' is no index of {} vectors of {} dimensions",
            database.path().string(),
            out.made.text(),
            out.n,
            dims);
    }
  }
  return out;
}

void write_ann(IndexFile& index, AnnRecord record, const AnnIndex* ann) {
  Database& database = index.database();
  Transaction transaction(database);
  database.execute(kMakeTable);
  database.execute("DELETE FROM ann");
  PartSink sink(database);
  if (ann != nullptr) {
    ann->write(sink);
  }
  sink.finish(record);
  Statement insert(database, "INSERT OR REPLACE INTO settings VALUES (?, ?)");
  const auto put = [&](std::string_view name, const std::string& value) {
    insert.bind(name).bind(value).run();
  };
  put("ann.asked", record.asked.text());
  put("ann.made", record.made.text());
  put("ann.passages", std::to_string(record.n));
  put("ann.passages_at_training", std::to_string(record.n_at_training));
  put("ann.vectors_hash", record.vectors_hash);
  put("ann.bytes", std::to_string(record.n_bytes));
  put("ann.bytes_hash", record.bytes_hash);
  transaction.commit();
}

std::unique_ptr<AnnIndex> read_ann(IndexFile& index,
                                   const AnnRecord& record,
                                   std::size_t capacity,
                                   ThreadPool& pool) {
  if (!has_parts(index.database())) {
    raise(ErrorCode::kCorruptData,
          "{}: the index of neighbours is missing",
          index.database().path().string());
  }
  PartSource source(index.database(), record.n_bytes);
  auto out = read_ann_index(source, record.made, record.n, {capacity, index.settings().dims}, pool);
  if (source.hash() != record.bytes_hash) {
    raise(ErrorCode::kCorruptData,
          "{}: the index of neighbours has other bytes than were written",
          index.database().path().string());
  }
  return out;
}

bool is_ann_whole(IndexFile& index, const AnnRecord& record) {
  if (record.made.kind == AnnKind::kFlat) {
    return true;
  }
  if (!has_parts(index.database())) {
    return false;
  }
  Statement select(index.database(), "SELECT bytes FROM ann ORDER BY part");
  Sha256 hash;
  while (select.step()) {
    hash.bytes(select.bytes(0));
  }
  return hash.hex() == record.bytes_hash;
}

}  // namespace nibble::rag
