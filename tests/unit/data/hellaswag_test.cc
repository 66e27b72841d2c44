#include "data/hellaswag.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/files.h"

namespace nibble::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class HellaswagTest : public ::testing::Test {
 protected:
  Result<DataSet<HellaswagRecord>> read(std::string_view content) {
    testing::write_file(folder_ / "h.txt", content);
    return hellaswag_records(folder_ / "h.txt");
  }
  testing::TempFolder folder_;
};

TEST_F(HellaswagTest, ReadsSixLinesAnItem) {
  const auto set = read("Roof: A man: he\n3\na\nb\nc\nd\n").take();
  ASSERT_EQ(set.rows.size(), 1U);
  EXPECT_EQ(set.rows[0].activity, "Roof");
  EXPECT_EQ(set.rows[0].context, "A man: he");
  EXPECT_EQ(set.rows[0].gold, 3U);
  EXPECT_THAT(set.rows[0].endings, ElementsAre("a", "b", "c", "d"));
}

TEST_F(HellaswagTest, NamesTheLineOfABadItem) {
  const std::string good = "A: b\n0\na\nb\nc\nd\n";
  EXPECT_THAT(read(good + "A: b\n4\na\nb\nc\nd\n").failure().message,
              HasSubstr("h.txt:7: '4' after the context, expected 0 to 3"));
  EXPECT_THAT(read(good + "no colon\n1\na\nb\nc\nd\n").failure().message,
              HasSubstr("h.txt:7: expected 'ACTIVITY: CONTEXT'"));
  EXPECT_THAT(read(good + "A: b\n1\na\n").failure().message,
              HasSubstr("h.txt:7: 3 lines are left, expected 6 for an item"));
}

TEST_F(HellaswagTest, ReadsTheValidationPart) {
  NIBBLE_NEEDS_FILE(folder, testing::data_folder());
  const auto set = hellaswag_records(folder / "hellaswag/hellaswag_val_full.txt.gz").take();
  EXPECT_EQ(set.rows.size(), 7530U);
  EXPECT_EQ(set.sha256, "9b384569518d31be06eaab527f8db28c722953d483a67161efbbaf651c16667d");
  EXPECT_EQ(set.rows[0].context, "A man is sitting on a roof. he");
}

}  // namespace
}  // namespace nibble::data
