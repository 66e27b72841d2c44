#include "data/pull.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/hash.h"
#include "data/manifest.h"
#include "rows_server.h"
#include "support/files.h"

namespace nibble::data {
namespace {

using nibble::testing::read_file;
using nibble::testing::TempFolder;
using nibble::testing::write_file;
using std::chrono::milliseconds;
using ::testing::HasSubstr;

const CatalogFile kFile = {"set", "set/test.jsonl", "org/set", "main", "test", "MIT"};
constexpr std::size_t kRows = 25;

std::string all_rows() {
  std::string out;
  for (std::size_t i = 0; i < kRows; ++i) {
    out += fmt::format("{{\"question\":\"q{}\",\"answer\":\"a{}\"}}\n", i, i);
  }
  return out;
}

class Pull : public ::testing::Test {
 protected:
  PullOptions options(const RowsServer& server) {
    PullOptions out;
    out.folder = folder_.path();
    out.base_url = server.url();
    out.page_rows = 10;
    out.http.first_pause = milliseconds{1};
    out.http.longest_pause = milliseconds{5};
    out.http.timeout = milliseconds{2000};
    out.http.n_attempts = 3;
    return out;
  }
  std::string failure(const RowsServer& server) {
    const auto pulled = pull_file(kFile, options(server), silent_progress());
    EXPECT_FALSE(pulled);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "set/test.jsonl"));
    return pulled ? "" : pulled.failure().message;
  }
  TempFolder folder_;
};

TEST_F(Pull, JoinsPagesAndKeepsTheOrderOfColumns) {
  RowsServer server([](const std::string& target, std::size_t) {
    return ServerReply{200, page_of(target, kRows)};
  });
  const PulledFile pulled = pull_file(kFile, options(server), silent_progress()).take();
  EXPECT_EQ(pulled.n_rows, kRows);
  EXPECT_EQ(read_file(pulled.path), all_rows());
  EXPECT_EQ(pulled.sha256, sha256_hex(all_rows()));
  EXPECT_EQ(read_manifest(folder_.path()).take().at("set/test.jsonl"), pulled.sha256);
  EXPECT_EQ(server.targets().size(), 3U);
  EXPECT_EQ(server.targets()[1],
            "/rows?dataset=org%2Fset&config=main&split=test&offset=10&length=10");
  EXPECT_FALSE(std::filesystem::exists(folder_ / "set/test.jsonl.part"));
}

TEST_F(Pull, AsksForThePartOfASetThatTheCatalogDoesNotName) {
  const auto pulled_from = [&](const std::string& splits) {
    RowsServer server([&](const std::string& target, std::size_t) {
      return ServerReply{200, target.starts_with("/splits") ? splits : page_of(target, kRows)};
    });
    CatalogFile file = kFile;
    file.config = "";
    std::filesystem::remove_all(folder_ / "set");
    const auto pulled = pull_file(file, options(server), silent_progress());
    return pulled ? server.targets().at(1) : pulled.failure().message;
  };
  const auto split = [](const std::string& config, const std::string& name) {
    return fmt::format(R"({{"dataset": "org/set", "config": "{}", "split": "{}"}})", config, name);
  };
  EXPECT_THAT(pulled_from(fmt::format(
                  R"({{"splits": [{}, {}]}})", split("only", "train"), split("only", "test"))),
              HasSubstr("config=only&split=test"));
  EXPECT_THAT(pulled_from(fmt::format(
                  R"({{"splits": [{}, {}]}})", split("other", "test"), split("default", "test"))),
              HasSubstr("config=default&split=test"));
  EXPECT_THAT(pulled_from(fmt::format(
                  R"({{"splits": [{}, {}]}})", split("one", "test"), split("two", "test"))),
              HasSubstr("org/set: 2 parts have a split 'test': one, two"));
  EXPECT_THAT(pulled_from(R"({"splits": []})"), HasSubstr("0 parts have a split 'test'"));
  EXPECT_THAT(pulled_from("[]"), HasSubstr("no list of splits"));
  EXPECT_THAT(pulled_from(R"({"splits": [{"split": "test"}]})"), HasSubstr("without 'config'"));
}

TEST_F(Pull, GoesOnBehindTheLastWholeRow) {
  RowsServer breaks([](const std::string& target, std::size_t number) {
    return number < 2 ? ServerReply{200, page_of(target, kRows)} : ServerReply{404, "gone"};
  });
  EXPECT_THAT(failure(breaks), HasSubstr("gone"));
  const auto part = folder_ / "set/test.jsonl.part";
  const std::string kept = read_file(part);
  write_file(part, kept + R"({"question":"q20","ans)");  // killed while writing
  RowsServer server([](const std::string& target, std::size_t) {
    return ServerReply{200, page_of(target, kRows)};
  });
  const PulledFile pulled = pull_file(kFile, options(server), silent_progress()).take();
  EXPECT_EQ(read_file(pulled.path), all_rows());
  EXPECT_EQ(server.targets().size(), 1U);
  EXPECT_THAT(server.targets()[0], HasSubstr("offset=20"));
}

TEST_F(Pull, APartOfAnotherSetIsNotGoneOnWith) {
  std::filesystem::create_directories(folder_ / "set");
  write_file(folder_ / "set/test.jsonl.part", "{\"dataset\":\"another\"}\n{\"question\":\"x\"}\n");
  RowsServer server([](const std::string& target, std::size_t) {
    return ServerReply{200, page_of(target, kRows)};
  });
  EXPECT_EQ(read_file(pull_file(kFile, options(server), silent_progress()).take().path),
            all_rows());
}

TEST_F(Pull, SlowAndBrokenRepliesAreAskedForAgain) {
  RowsServer server([](const std::string& target, std::size_t number) -> ServerReply {
    const std::string page = page_of(target, kRows);
    switch (number) {
      case 0:
        return {429, "", "Retry-After: 1\r\n"};
      case 1:
        return {500, "error"};
      case 3:
        return {200, page, "", 20};
      case 5:
        return {200, page.substr(0, 40)};  // complete as a body, broken as JSON
      case 6:
        return {200, page, "", 0, milliseconds{100}};
      default:
        return {200, page};
    }
  });
  EXPECT_EQ(read_file(pull_file(kFile, options(server), silent_progress()).take().path),
            all_rows());
}

TEST_F(Pull, WhatIsThereIsNotPulledAgain) {
  RowsServer server([](const std::string&, std::size_t) { return ServerReply{500, ""}; });
  std::filesystem::create_directories(folder_ / "set");
  write_file(folder_ / "set/test.jsonl.gz", "put there by hand");
  const PulledFile pulled = pull_file(kFile, options(server), silent_progress()).take();
  EXPECT_TRUE(pulled.was_there);
  EXPECT_EQ(pulled.sha256, sha256_hex("put there by hand"));
  EXPECT_TRUE(server.targets().empty());
  write_manifest(folder_.path(), {{"set/test.jsonl.gz", std::string(64, '0')}}).take();
  const auto changed = pull_file(kFile, options(server), silent_progress());
  EXPECT_EQ(changed.failure().code, ErrorCode::kMismatch);
}

TEST_F(Pull, RepliesThatLieAreRefused) {
  const auto refused = [&](const std::string& body) {
    RowsServer server([&](const std::string&, std::size_t) { return ServerReply{200, body}; });
    return failure(server);
  };
  EXPECT_THAT(refused("{}"), HasSubstr("no page of rows"));
  EXPECT_THAT(refused(R"({"rows": [], "num_rows_total": 3})"), HasSubstr("no rows behind row 0"));
  EXPECT_THAT(refused(R"({"rows": [], "num_rows_total": 0})"), HasSubstr("without rows"));
  EXPECT_THAT(refused(R"({"rows": [], "num_rows_total": 99999999999})"), HasSubstr("at most"));
  EXPECT_THAT(refused(R"({"rows": [{"row_idx": 7, "row": {}}], "num_rows_total": 3})"),
              HasSubstr("row 7, wanted 0"));
  EXPECT_THAT(refused(R"({"rows": [{"row_idx": 0, "row": 1}], "num_rows_total": 3})"),
              HasSubstr("row 0 is no object"));
  EXPECT_THAT(refused(R"({"rows": [{"row_idx": 0, "row": {"a": "x"}, "truncated_cells": ["a"]}],
                          "num_rows_total": 1})"),
              HasSubstr("cut cells"));
  EXPECT_THAT(refused(R"({"rows": [{"row_idx": 0, "row": {}}, {"row_idx": 1, "row": {}}],
                          "num_rows_total": 1})"),
              HasSubstr("the set has 1 rows"));
  EXPECT_THAT(refused("not JSON at all"), HasSubstr("/rows?"));
  EXPECT_THAT(refused(std::string(200, '[') + std::string(200, ']')), HasSubstr("nested"));
}

TEST_F(Pull, ASetThatChangesOnTheWayIsRefused) {
  RowsServer server([](const std::string& target, std::size_t number) {
    return ServerReply{200, page_of(target, number == 0 ? kRows : kRows + 1)};
  });
  EXPECT_THAT(failure(server), HasSubstr("has 26 rows and had 25"));
}

TEST_F(Pull, TextIsPutBackTogether) {
  RowsServer server([](const std::string&, std::size_t) {
    return ServerReply{200,
                       R"({"rows": [{"row_idx": 0, "row": {"text": ""}},
                                    {"row_idx": 1, "row": {"text": " = Title = \n"}}],
                           "num_rows_total": 2})"};
  });
  CatalogFile file = kFile;
  file.form = FileForm::kText;
  EXPECT_EQ(read_file(pull_file(file, options(server), silent_progress()).take().path),
            " \n = Title = \n");
}

}  // namespace
}  // namespace nibble::data
