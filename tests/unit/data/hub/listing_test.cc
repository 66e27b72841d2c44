#include "data/hub/listing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "fake_hub.h"

namespace nibble::data {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

class ListingTest : public ::testing::Test {
 protected:
  Result<HubListing> list() {
    const Hub hub = hub_.hub();
    HttpClient client(hub.http);
    return list_model(client, hub, {"org", "name"});
  }
  void always(ServerReply reply) {
    hub_.on_request = [reply](const std::string&, std::size_t) { return reply; };
  }
  FakeHub hub_;
};

TEST_F(ListingTest, FilesWithSizesAndHashes) {
  hub_.files = {{"config.json", {"{}", false, "0123"}}, {"model.safetensors", {"abc", true}}};
  const HubListing listing = list().take();
  EXPECT_EQ(listing.commit, "c0ffee");
  EXPECT_EQ(listing.licence, "apache-2.0");
  ASSERT_EQ(listing.files.size(), 2U);
  EXPECT_EQ(listing.files[0].git_oid, "0123");
  EXPECT_EQ(listing.files[0].sha256, "");
  EXPECT_EQ(listing.files[1].n_bytes, 3U);
  EXPECT_EQ(listing.files[1].sha256, sha256_hex("abc"));
}

TEST_F(ListingTest, LicencesStandInSeveralPlaces) {
  for (const auto& [json, wanted] :
       {std::pair(R"("cardData":{"license":["mit","cc-by-4.0"]})", "mit, cc-by-4.0"),
        std::pair(R"("cardData":{"license":"other","license_name":"gemma"})", "gemma"),
        std::pair(R"("tags":["x","license:llama3"])", "llama3"),
        std::pair(R"("cardData":null)", "")}) {
    hub_.model_json = json;
    EXPECT_EQ(list().take().licence, wanted);
  }
}

TEST_F(ListingTest, PagesFollowOneAnother) {
  hub_.on_request = [this](const std::string& target, std::size_t) -> std::optional<ServerReply> {
    if (target.find("/tree/") == std::string::npos) {
      return std::nullopt;
    }
    const bool is_first = target.find("cursor") == std::string::npos;
    return ServerReply{
        200,
        fmt::format(R"([{{"type":"file","path":"{}","size":1,"oid":"o"}}])", is_first ? "a" : "b"),
        is_first ? fmt::format("Link: <{}/api/models/org/name/tree/x?cursor=2>; "
                               "rel=\"next\"\r\n",
                               hub_.server().url())
                 : ""};
  };
  EXPECT_EQ(list().take().files.size(), 2U);
}

TEST_F(ListingTest, WhatIsNotGivenSaysWhatHelps) {
  always({404, "Repository not found"});
  EXPECT_EQ(list().failure().code, ErrorCode::kNotFound);
  EXPECT_THAT(list().failure().message, HasSubstr("Repository not found"));
  for (const int status : {401, 403}) {
    always({status, "gated"});
    EXPECT_THAT(list().failure().message,
                AllOf(HasSubstr("org/name"), HasSubstr("HF_TOKEN"), HasSubstr("gated")));
  }
  always({500, "sorry"});
  EXPECT_THAT(list().failure().message, HasSubstr("status 500: sorry (3 attempts)"));
}

TEST_F(ListingTest, RepliesThatAreNoneAreRefused) {
  for (const char* body : {"<html>", "[]", "{}", R"({"sha":5})"}) {
    always({200, body});
    EXPECT_EQ(list().failure().code, ErrorCode::kCorruptData) << body;
  }
  for (const char* path : {"../up", "/etc/passwd", "a//b", "a/./b", ""}) {
    hub_.on_request = [path](const std::string& target, std::size_t) -> std::optional<ServerReply> {
      return target.find("/tree/") == std::string::npos
                 ? std::nullopt
                 : std::optional(ServerReply{
                       200, fmt::format(R"([{{"type":"file","path":"{}","size":1}}])", path)});
    };
    EXPECT_EQ(list().failure().code, ErrorCode::kCorruptData) << path;
  }
}

TEST(HubOfEnvironment, ATokenIsNotSentInTheOpen) {
  const auto with = [](const char* endpoint, const char* token) {
    setenv("HF_ENDPOINT", endpoint, 1);
    setenv("HF_TOKEN", token, 1);
    auto hub = hub_of_environment();
    unsetenv("HF_ENDPOINT");
    unsetenv("HF_TOKEN");
    return hub;
  };
  EXPECT_EQ(with("", "").take().endpoint, "https://huggingface.co");
  EXPECT_EQ(with("https://hub.example/", "t").take().endpoint, "https://hub.example");
  EXPECT_EQ(with("http://127.0.0.1:5", "t").take().http.token, "t");
  EXPECT_EQ(with("http://hub.example", "").take().http.token, "");
  EXPECT_FALSE(with("http://hub.example", "t"));
  EXPECT_FALSE(with("", "a\r\nb"));
}

TEST(FileUrl, EachFoldersNameIsEncoded) {
  EXPECT_EQ(file_url({"https://h", {}}, {"o", "n"}, "c", "a b/c#.json"),
            "https://h/o/n/resolve/c/a%20b/c%23.json");
}

}  // namespace
}  // namespace nibble::data
