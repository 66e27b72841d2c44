#include "report/paper/efficiency.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "paper_store.h"
#include "support/files.h"

namespace nibble::report {
namespace {

using ::testing::HasSubstr;

class PaperEfficiency : public ::testing::Test {
 protected:
  nibble::testing::TempFolder folder_;
  store::Store store_ = paper_store(folder_ / "s.db");
  Data data_ = gather(store_);
  PaperRows rows_ = method_rows(data_);
};

TEST_F(PaperEfficiency, LatencyIsOfWholeRequestsAndSpeedupOfLatency) {
  store_.add_measurements(
      "nv0/",
      std::vector<store::MeasurementRecord>{{"first_token", "ms", 0, 200.0, ""},
                                            {"decode", "ms/token", 0, 10.0, ""}});
  data_ = gather(store_);
  const Table table = paper_latency(data_, method_rows(data_), 1);
  EXPECT_EQ(table.id, "paper-01");
  EXPECT_EQ(table.rows[0][1].text, "15.15");  // 500 / 33
  EXPECT_EQ(table.rows[0][2].text, "200.0");
  EXPECT_EQ(table.rows[0][5].text, "1.00\u00d7");
  EXPECT_EQ(table.rows[1][5].text, "1.25\u00d7");
  EXPECT_TRUE(table.rows[4][1].is_missing);
}

TEST_F(PaperEfficiency, MemoryAndThroughput) {
  const Table memory = paper_memory(data_, rows_, 3);
  EXPECT_EQ(memory.rows[1][4].text, "3.00\u00d7");
  EXPECT_EQ(memory.rows[0][3].text, "16.00");
  const Table rate = paper_throughput(data_, rows_, 5);
  EXPECT_EQ(rate.rows[1][1].text, "82.50");
  EXPECT_EQ(rate.rows[1][2].text, "165.0");
  EXPECT_EQ(rate.rows[1][3].text, "2.00");
  EXPECT_EQ(rate.rows[2][4].text, "2.00\u00d7");
}

TEST_F(PaperEfficiency, BatchesThatWereNotMeasuredSaySo) {
  const Table table = paper_batches(data_, rows_, 7);
  ASSERT_EQ(table.columns.size(), 1U + 5 + 3);  // 1, 2, 4, 8 of the paper, and 16
  EXPECT_EQ(table.rows[1][2].text, "not part of the study");
  EXPECT_EQ(table.rows[1][6].text, "16");
  EXPECT_EQ(table.rows[1][7].text, "12.00");
  EXPECT_EQ(table.rows[1][8].text, "37.5 %");  // 12 / (16 * 2)
  EXPECT_EQ(table.rows[3][6].text, "not run yet");
}

TEST_F(PaperEfficiency, EnergyIsNamedWhatItIs) {
  store_.add_measurements(
      "nv0/", std::vector<store::MeasurementRecord>{{"decode", "ms/token", 0, 10.0, ""}});
  store_.add_measurements(
      "nv1/", std::vector<store::MeasurementRecord>{{"decode_energy", "J/token", 0, 0.5, ""}});
  store_.add_measurements(
      "nv2/", std::vector<store::MeasurementRecord>{{"decode", "ms/token", 0, 5.0, ""}});
  data_ = gather(store_);
  const Table table = paper_energy(data_, method_rows(data_), 9);
  EXPECT_EQ(table.rows[0][1].text, "490.0 (estimate)");
  EXPECT_EQ(table.rows[1][1].text, "500.0 (measured)");
  EXPECT_EQ(table.rows[0][2].text, "70.00");
  EXPECT_EQ(table.rows[1][3].text, "one is measured, the other estimated");
  EXPECT_EQ(table.rows[2][3].text, "2.00\u00d7");
  EXPECT_THAT(table.columns[4].title, HasSubstr("EUR/1M tokens"));
}

}  // namespace
}  // namespace nibble::report
