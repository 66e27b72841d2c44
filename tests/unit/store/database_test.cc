#include "store/database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <vector>

#include "base/error.h"
#include "support/files.h"

namespace nibble::store {
namespace {

using nibble::testing::TempFolder;
using ::testing::HasSubstr;
using Mode = Database::Mode;

TEST(Database, KeepsTextWithNulBytesAndNulls) {
  const TempFolder folder;
  Database database = Database::open(folder / "a.db", Mode::kCreate);
  database.execute("CREATE TABLE t (a TEXT, b REAL, c INTEGER)");
  const std::string text("a\0b", 3);
  Statement insert(database, "INSERT INTO t VALUES (?,?,?)");
  insert.bind(text).bind(std::optional<double>()).bind(std::int64_t{1} << 40).run();
  Statement select(database, "SELECT a, b, c FROM t");
  ASSERT_TRUE(select.step());
  EXPECT_EQ(select.text(0), text);
  EXPECT_TRUE(select.is_null(1));
  EXPECT_EQ(select.optional_real(1), std::nullopt);
  EXPECT_EQ(select.integer(2), std::int64_t{1} << 40);
  EXPECT_FALSE(select.step());
}

TEST(Database, KeepsBytesAndTellsNoneFromNull) {
  const TempFolder folder;
  Database database = Database::open(folder / "a.db", Mode::kCreate);
  database.execute("CREATE TABLE t (a BLOB)");
  const std::vector<std::byte> bytes = {std::byte{0}, std::byte{0xff}, std::byte{7}};
  Statement insert(database, "INSERT INTO t VALUES (?)");
  insert.bind_bytes(bytes).run();
  insert.bind_bytes({}).run();
  insert.bind_null().run();
  Statement select(database, "SELECT a FROM t ORDER BY rowid");
  ASSERT_TRUE(select.step());
  EXPECT_TRUE(std::ranges::equal(select.bytes(0), bytes));
  ASSERT_TRUE(select.step());
  EXPECT_FALSE(select.is_null(0));
  EXPECT_TRUE(select.bytes(0).empty());
  ASSERT_TRUE(select.step());
  EXPECT_TRUE(select.is_null(0));
}

TEST(Database, EmptyTextIsNotNull) {
  const TempFolder folder;
  Database database = Database::open(folder / "a.db", Mode::kCreate);
  database.execute("CREATE TABLE t (a TEXT NOT NULL)");
  Statement(database, "INSERT INTO t VALUES (?)").bind(std::string_view()).run();
  Statement select(database, "SELECT a FROM t");
  ASSERT_TRUE(select.step());
  EXPECT_FALSE(select.is_null(0));
}

TEST(Database, TransactionWithoutCommitLeavesNothing) {
  const TempFolder folder;
  Database database = Database::open(folder / "a.db", Mode::kCreate);
  database.execute("CREATE TABLE t (a)");
  {
    Transaction transaction(database);
    database.execute("INSERT INTO t VALUES (1)");
  }
  {
    Transaction transaction(database);
    database.execute("INSERT INTO t VALUES (2)");
    transaction.commit();
  }
  Statement select(database, "SELECT a FROM t");
  ASSERT_TRUE(select.step());
  EXPECT_EQ(select.integer(0), 2);
  EXPECT_FALSE(select.step());
}

TEST(Database, ForeignKeysHold) {
  const TempFolder folder;
  Database database = Database::open(folder / "a.db", Mode::kCreate);
  database.execute("CREATE TABLE p (id PRIMARY KEY); CREATE TABLE c (p REFERENCES p(id))");
  EXPECT_THROW(database.execute("INSERT INTO c VALUES (1)"), Error);
}

TEST(Database, AFileThatIsNoDatabaseIsCorruptData) {
  const TempFolder folder;
  nibble::testing::write_file(folder / "a.db", std::string(5000, 'x'));
  try {
    Database database = Database::open(folder / "a.db", Mode::kReadOnly);
    database.execute("SELECT * FROM sqlite_schema");
    FAIL() << "opened a text file";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorruptData);
    EXPECT_THAT(error.what(), HasSubstr("a.db"));
  }
}

TEST(Database, MissingFolderIsAnIoError) {
  const TempFolder folder;
  try {
    Database::open(folder / "no/such/a.db", Mode::kCreate);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo);
    EXPECT_THAT(error.what(), HasSubstr("no/such/a.db"));
  }
}

TEST(Database, PathsWithUriCharactersOpen) {
  const TempFolder folder;
  const auto path = folder / "50%3f?x#y.db";
  Database::open(path, Mode::kCreate).execute("CREATE TABLE t (a)");
  EXPECT_TRUE(std::filesystem::exists(path));
}

/// Lets no file grow past `bytes`, as a full disk would.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
};

TEST(Database, AFullDiskIsAnIoErrorAndLosesNothing) {
  const TempFolder folder;
  Database database = Database::open(folder / "a.db", Mode::kCreate);
  database.execute(
      "PRAGMA journal_mode = WAL; CREATE TABLE t (a TEXT); INSERT INTO t VALUES ('kept')");
  {
    const FileSizeLimit limit(64 * 1024);
    try {
      Transaction transaction(database);
      Statement(database, "INSERT INTO t VALUES (?)").bind(std::string(1 << 20, 'x')).run();
      transaction.commit();
      FAIL() << "wrote 1 MiB into 64 KiB";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kIo) << error.what();
    }
  }
  Transaction transaction(database);  // there is room again: the same connection goes on
  database.execute("INSERT INTO t VALUES ('after')");
  transaction.commit();
  Statement select(database, "SELECT a FROM t ORDER BY rowid");
  ASSERT_TRUE(select.step());
  EXPECT_EQ(select.text(0), "kept");
  ASSERT_TRUE(select.step());
  EXPECT_EQ(select.text(0), "after");
  EXPECT_FALSE(select.step());
}

}  // namespace
}  // namespace nibble::store
