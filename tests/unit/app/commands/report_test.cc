#include <gmock/gmock.h>

#include "support/files.h"

namespace nibble::app {
namespace {

using ::testing::HasSubstr;

TEST(Report, AMissingStoreIsRejectedAndNothingIsWritten) {
  const testing::TempFolder folder;
  const auto run = testing::run_program("report " + (folder / "no.db").string());
  EXPECT_EQ(run.exit_code, 3);
  EXPECT_THAT(run.err, HasSubstr("no.db: no such store"));
  EXPECT_FALSE(std::filesystem::exists(folder / "report"));
}

TEST(Report, AFileThatIsNoStoreIsRejected) {
  const testing::TempFolder folder;
  testing::write_file(folder / "a.db", std::string(8192, 'x'));
  const auto run = testing::run_program("report " + (folder / "a.db").string());
  EXPECT_EQ(run.exit_code, 3);
  EXPECT_THAT(run.err, HasSubstr("a.db"));
}

}  // namespace
}  // namespace nibble::app
