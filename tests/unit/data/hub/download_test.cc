#include "data/hub/download.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake_hub.h"
#include "support/files.h"

namespace nibble::data {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class DownloadTest : public ::testing::Test {
 protected:
  Result<std::string> download(const HubFile& file) {
    const Hub hub = hub_.hub();
    HttpClient client(hub.http);
    return download_file(client,
                         hub,
                         file_url(hub, {"org", "name"}, hub_.commit, file.path),
                         file,
                         folder_ / "sub/file",
                         silent_progress());
  }
  HubFile large(std::string content) {
    const HubFile out{"big", content.size(), sha256_hex(content)};
    hub_.files["big"] = {std::move(content), true};
    return out;
  }
  FakeHub hub_;
  testing::TempFolder folder_;
};

TEST_F(DownloadTest, AFileIsCheckedAndPutInItsPlace) {
  const HubFile file = large("some weights");
  EXPECT_EQ(download(file).take(), file.sha256);
  EXPECT_EQ(testing::read_file(folder_ / "sub/file"), "some weights");
  EXPECT_FALSE(fs::exists(folder_ / "sub/file.part"));
}

TEST_F(DownloadTest, AnEarlierPartIsGoneOnFrom) {
  const HubFile file = large("some weights");
  fs::create_directories(folder_ / "sub");
  testing::write_file(folder_ / "sub/file.part", "some ");
  std::string range;
  hub_.on_request = [&](const std::string&, std::size_t) -> std::optional<ServerReply> {
    range = hub_.server().header("Range");
    return std::nullopt;
  };
  ASSERT_TRUE(download(file));
  EXPECT_EQ(range, "bytes=5-");
  EXPECT_EQ(testing::read_file(folder_ / "sub/file"), "some weights");
}

TEST_F(DownloadTest, AWrongHashLeavesNothing) {
  HubFile file = large("some weights");
  hub_.files["big"].content = "same length!";
  const auto got = download(file);
  EXPECT_EQ(got.failure().code, ErrorCode::kCorruptData);
  EXPECT_THAT(got.failure().message, HasSubstr("big: its SHA-256 is"));
  EXPECT_THAT(got.failure().message, HasSubstr(file.sha256));
  EXPECT_FALSE(fs::exists(folder_ / "sub/file"));
  EXPECT_FALSE(fs::exists(folder_ / "sub/file.part"));
}

TEST_F(DownloadTest, SmallFilesAreCheckedAsGitDoes) {
  hub_.files["small"] = {"hello\n"};
  HubFile file{"small", 6, "", "ce013625030ba8dba906f756967f9e9ca394464a"};  // git hash-object
  EXPECT_EQ(download(file).take(), sha256_hex("hello\n"));
  fs::remove(folder_ / "sub/file");
  file.git_oid[0] = 'd';
  EXPECT_THAT(download(file).failure().message, HasSubstr("SHA-1 as git's blob"));
}

TEST_F(DownloadTest, WhatIsNotGivenSaysWhy) {
  const HubFile file = large("some weights");
  hub_.on_request = [](const std::string&, std::size_t) { return ServerReply{403, "gated"}; };
  EXPECT_THAT(download(file).failure().message, HasSubstr("HF_TOKEN"));
  hub_.on_request = [](const std::string&, std::size_t) { return ServerReply{404, "gone"}; };
  EXPECT_EQ(download(file).failure().code, ErrorCode::kNotFound);
}

TEST_F(DownloadTest, AnEmptyFileIsAFile) {
  hub_.files["small"] = {""};
  ASSERT_TRUE(download({"small", 0, "", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"}));
  EXPECT_TRUE(fs::exists(folder_ / "sub/file"));
}

}  // namespace
}  // namespace nibble::data
