#include "store/schema.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "store/database.h"

namespace nibble::store {
namespace {

TEST(Schema, IsMadeOnceAndRecognised) {
  Database database = Database::open(":memory:", Database::Mode::kCreate);
  EXPECT_THROW(check_identity(database), Error);
  create_schema(database);
  create_schema(database);
  check_identity(database);
  database.execute("DROP TABLE summaries");
  EXPECT_THROW(check_identity(database), Error);
}

TEST(Schema, OtherDatabasesAreLeftAsTheyAre) {
  Database database = Database::open(":memory:", Database::Mode::kCreate);
  database.execute("CREATE TABLE theirs (x)");
  create_schema(database);
  EXPECT_EQ(database.pragma("application_id"), 0);
  EXPECT_THROW(check_identity(database), Error);
}

}  // namespace
}  // namespace nibble::store
