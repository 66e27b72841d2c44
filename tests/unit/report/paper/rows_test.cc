#include "report/paper/rows.h"

#include <gtest/gtest.h>

#include "paper_store.h"
#include "support/files.h"

namespace nibble::report {
namespace {

TEST(PaperRows, AllVariantsOrGptqsCalibrations) {
  const nibble::testing::TempFolder folder;
  const Data data = gather(paper_store(folder / "s.db"));
  EXPECT_EQ(method_rows(data).variants.size(), 5U);
  const PaperRows rows = calibration_rows(data);
  ASSERT_EQ(rows.variants.size(), 2U);
  EXPECT_EQ(rows.variants[1]->record.name, "gptq on RAG");
  EXPECT_EQ(name_column(rows).title, "Calibration dataset");
  EXPECT_EQ(paper_id(4), "paper-04");
  EXPECT_EQ(paper_title(4, "Memory", rows), "Table 4: Memory: calibration of GPTQ");
  EXPECT_EQ(versus(data), "vs reference");
}

}  // namespace
}  // namespace nibble::report
