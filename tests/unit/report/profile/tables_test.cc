#include "report/profile/tables.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "profile_store.h"
#include "support/files.h"

namespace nibble::report {
namespace {

using nibble::testing::TempFolder;
using ::testing::HasSubstr;

class ProfileTables : public ::testing::Test {
 protected:
  static const Cell& cell(const Table& table, std::size_t row, std::string_view column) {
    const auto found = std::ranges::find(table.columns, column, &Column::title);
    EXPECT_NE(found, table.columns.end()) << column;
    return table.rows.at(row).at(static_cast<std::size_t>(found - table.columns.begin()));
  }
  TempFolder folder_;
  store::Store store_ = profile_store(folder_ / "s.db");
  Data data_ = gather(store_);
};

TEST_F(ProfileTables, EveryRowHasACellForEachColumn) {
  const auto tables = profile_tables(data_);
  ASSERT_EQ(tables.size(), 4U);
  for (const Table& table : tables) {
    for (const auto& row : table.rows) {
      EXPECT_EQ(row.size(), table.columns.size()) << table.id;
      for (const Cell& one : row) {
        EXPECT_NE(one.text, "") << table.id;
      }
    }
  }
}

TEST_F(ProfileTables, PercentilesThatNCannotCarrySaySo) {
  const Table table = latency_table(data_);
  EXPECT_EQ(cell(table, 1, "Requests").text, "25");
  EXPECT_EQ(table.rows[1][4].text, "172.8");  // p95 of the first token
  EXPECT_TRUE(table.rows[1][5].is_missing);
  EXPECT_EQ(table.rows[1][5].text, "25 values, 100 wanted");
  EXPECT_EQ(table.rows[1][10].text, "8.00");  // p99 of 160 tokens
  EXPECT_EQ(cell(table, 4, "Request ms").text, "not run yet");
}

TEST_F(ProfileTables, ADevicesMemoryAndWhatStaysOutsideIt) {
  const Table on_host = utilisation_table(data_);
  EXPECT_EQ(std::ranges::count(on_host.columns, "Device peak MB", &Column::title), 0);
  store_.add_measurements(
      "v1/",
      std::vector<store::MeasurementRecord>{{"peak_device_memory", "bytes", 0, 6.5e9, ""},
                                            {"host_weights", "bytes", 0, 2.25e9, ""}});
  const Table on_device = utilisation_table(gather(store_));
  EXPECT_EQ(cell(on_device, 1, "Device peak MB").numbers, std::vector<std::optional<double>>{6500});
  EXPECT_TRUE(cell(on_device, 0, "Device peak MB").is_missing);
  EXPECT_EQ(cell(on_device, 1, "Prompt GFLOP").text, cell(on_host, 1, "Prompt GFLOP").text);
  EXPECT_THAT(on_device.caption, HasSubstr(", 2250 MB of the weights stayed in host memory"));
}

TEST_F(ProfileTables, EnergyOfARightAnswer) {
  const Table table = energy_table(data_);
  EXPECT_EQ(cell(table, 1, "J per right answer, choice").text, "26.67");
  EXPECT_THAT(cell(table, 0, "Decoding J/token").text, HasSubstr("(estimate)"));
  EXPECT_EQ(cell(table, 0, "Decoding J/token").numbers.back(), 1.0);
  EXPECT_EQ(cell(table, 1, "Decoding J/token").numbers.back(), 0.0);
  EXPECT_EQ(cell(table, 1, "Clock MHz").text, "this machine does not tell its clock");
  EXPECT_EQ(cell(table, 1, "EUR for 1M tokens").text, "1.21");
}

TEST_F(ProfileTables, LengthsAndBatchesKeepTheirUnits) {
  const Table table = length_table(data_);
  ASSERT_FALSE(table.rows.empty());
  EXPECT_EQ(table.rows[0][0].text, "batch_1");
  EXPECT_EQ(table.rows[0][3].text, "samples/s");
  EXPECT_EQ(table.rows.back()[0].text, "prefill_512");
  EXPECT_EQ(table.rows.back()[3].text, "tok/s");
  for (const auto& row : table.rows) {
    EXPECT_NE(row[0].text, "prefill_flop");
  }
}

TEST_F(ProfileTables, AStudyThatMeasuresNothingHasNone) {
  store::Plan plan = advice_plan();
  std::erase_if(plan.units, [](const store::UnitRecord& unit) { return unit.task.empty(); });
  store_.replace_plan(plan);
  EXPECT_TRUE(profile_tables(gather(store_)).empty());
}

}  // namespace
}  // namespace nibble::report
