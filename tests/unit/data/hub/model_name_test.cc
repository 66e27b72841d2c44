#include "data/hub/model_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "base/error.h"
#include "support/files.h"

namespace nibble::data {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

TEST(ModelName, IsAnOrganisationANameAndARevision) {
  const ModelName name = parse_model_name("org/a.name_b-2@refs/pr/3").take();
  EXPECT_EQ(name.repository(), "org/a.name_b-2");
  EXPECT_EQ(name.revision, "refs/pr/3");
  EXPECT_EQ(parse_model_name("a/b").take().revision, "");
  EXPECT_EQ(model_folder("m", name), "m/org/a.name_b-2@refs-pr-3");
  EXPECT_EQ(model_folder("m", parse_model_name("a/b").take()), "m/a/b");
}

TEST(ModelName, OtherTextsAreNone) {
  for (const char* text : {"",
                           "a",
                           "a/",
                           "/b",
                           "a/b/c",
                           "../b",
                           "a/..",
                           "a/b@",
                           "a/b@../x",
                           "-a/b",
                           "a b/c",
                           "a/b\n"}) {
    EXPECT_THAT(parse_model_name(text).failure().message, HasSubstr("wanted org/name")) << text;
  }
}

class FindModelTest : public ::testing::Test {
 protected:
  FindModelTest() {
    for (const char* name : {"NIBBLE_MODELS", "HF_HUB_CACHE"}) {
      const char* value = std::getenv(name);
      before_.push_back(value != nullptr ? value : "");
    }
    setenv("NIBBLE_MODELS", (folder_ / "models").c_str(), 1);
    setenv("HF_HUB_CACHE", (folder_ / "hub").c_str(), 1);
  }
  ~FindModelTest() override {
    setenv("NIBBLE_MODELS", before_[0].c_str(), 1);
    setenv("HF_HUB_CACHE", before_[1].c_str(), 1);
  }
  void put(std::string_view path, std::string_view content = "") {
    fs::create_directories((folder_ / path).parent_path());
    testing::write_file(folder_ / path, content);
  }
  testing::TempFolder folder_;
  std::vector<std::string> before_;
};

TEST_F(FindModelTest, WhatWasPulledIsFound) {
  EXPECT_EQ(find_model("org/name"), "org/name");
  put("models/org/name/config.json");
  EXPECT_EQ(find_model("org/name"), "org/name");  // not whole without its manifest
  put("models/org/name/nibble-pull.json");
  EXPECT_EQ(find_model("org/name"), folder_ / "models/org/name");
  EXPECT_EQ(find_model("org/name@v2"), "org/name@v2");
  EXPECT_EQ(find_model(folder_.path().string()), folder_.path());
}

TEST_F(FindModelTest, OneGgufFileIsTheModelAndSeveralAreAChoice) {
  put("models/org/name/nibble-pull.json");
  EXPECT_THROW(find_model("org/name"), Error);
  put("models/org/name/sub/a.gguf");
  put("models/org/name/mmproj-a.gguf");
  EXPECT_EQ(find_model("org/name"), folder_ / "models/org/name/sub/a.gguf");
  put("models/org/name/b.gguf");
  EXPECT_THAT(readable_model(folder_ / "models/org/name").failure().message,
              HasSubstr("name one of them"));
}

TEST_F(FindModelTest, TheCacheOfTheHubsOwnToolsIsRead) {
  put("hub/models--org--name/refs/main", "abc\n");
  put("hub/models--org--name/snapshots/abc/config.json");
  put("hub/models--org--name/snapshots/def/config.json");
  EXPECT_EQ(find_model("org/name"), folder_ / "hub/models--org--name/snapshots/abc");
  EXPECT_EQ(find_model("org/name@def"), folder_ / "hub/models--org--name/snapshots/def");
}

}  // namespace
}  // namespace nibble::data
