#include "codec/kv/tables.h"

#include <gmock/gmock.h>

#include <limits>

namespace nibble::codec {
namespace {

using ::testing::HasSubstr;

constexpr KvShape kShape{1, 16};

KvTables sound() {
  KvTables tables;
  for (int i = 0; i < 8; ++i) {
    tables.key_levels.push_back(static_cast<float>(i) / 4.0F - 1.0F);
  }
  tables.value_levels = tables.key_levels;
  tables.key_limits.assign(16, {-1.0F, 3.0F});
  return complete_tables(std::move(tables));
}

std::string failure_of(const KvTables& tables) {
  const auto checked = check_kv_tables(tables, kShape, 3);
  return checked ? "" : checked.failure().message;
}

TEST(KvTables, AreCompletedFromTheirLimits) {
  const KvTables tables = sound();
  EXPECT_EQ(failure_of(tables), "");
  EXPECT_EQ(tables.key_middle.at(15), 1.0F);
  EXPECT_EQ(tables.key_half.at(0), 2.0F);
}

TEST(KvTables, RefuseWhatCannotBe) {
  KvTables tables = sound();
  tables.key_levels.pop_back();
  EXPECT_THAT(failure_of(tables), HasSubstr("wanted 8 ascending levels each, found 7 and 8"));
  tables = sound();
  std::swap(tables.value_levels[0], tables.value_levels[1]);
  EXPECT_THAT(failure_of(tables), HasSubstr("ascending"));
  tables = sound();
  tables.key_limits.pop_back();
  EXPECT_THAT(failure_of(tables), HasSubstr("limits of 15 channels, the model has 16"));
  tables = sound();
  tables.key_limits[3].upper = std::numeric_limits<float>::infinity();
  EXPECT_THAT(failure_of(tables), HasSubstr("no interval"));
}

}  // namespace
}  // namespace nibble::codec
