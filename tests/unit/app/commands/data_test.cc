#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "support/files.h"
#include "unit/data/rows_server.h"

namespace nibble::app {
namespace {

using ::testing::HasSubstr;
using testing::run_program;
using testing::TempFolder;

TEST(Data, PullsIntoTheFolderAndListsIt) {
  data::RowsServer server([](const std::string& target, std::size_t) {
    return data::ServerReply{200, data::page_of(target, 150)};
  });
  const TempFolder folder;
  const std::string where = " --data " + folder.path().string();
  const auto pulled = run_program("data pull nq_open --json --base-url " + server.url() + where);
  ASSERT_EQ(pulled.exit_code, 0) << pulled.err;
  const auto file = nlohmann::json::parse(pulled.out).at(0);
  EXPECT_EQ(file.at("rows"), 150);
  const auto list = nlohmann::json::parse(run_program("data list --json" + where).out);
  ASSERT_EQ(list.at("files").size(), 1U);
  EXPECT_EQ(list.at("files").at(0).at("sha256"), file.at("sha256"));
  EXPECT_EQ(list.at("files").at(0).at("manifest"), "as listed");
  EXPECT_EQ(list.at("files").at(0).at("licence"), "CC BY-SA 3.0");
  EXPECT_THAT(run_program("data list" + where).out, HasSubstr("nq_open/NQ-open.dev.jsonl"));
}

TEST(Data, SaysWhatIsWrong) {
  const auto unknown = run_program("data pull arc_eazy");
  EXPECT_EQ(unknown.exit_code, 3);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean 'arc_easy'?"));
  EXPECT_EQ(run_program("data").exit_code, 2);
  const TempFolder folder;
  const auto refused =
      run_program("data pull gsm8k -q --base-url ftp://127.0.0.1 --data " + folder.path().string());
  EXPECT_EQ(refused.exit_code, 5);
}

}  // namespace
}  // namespace nibble::app
