#include "data/hub/pull_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/folder_lock.h"
#include "fake_hub.h"
#include "support/files.h"

namespace nibble::data {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

class PullModelTest : public ::testing::Test {
 protected:
  PullModelTest() {
    hub_.files = {{"config.json", {"{}", false, "9e26dfeeb6e641a33dae4961196235bdb965b21b"}},
                  {"model.safetensors", {"the weights", true}},
                  {"pytorch_model.bin", {"the weights again", true}}};
  }
  Result<PulledModel> pull(std::vector<std::string> patterns = {}) {
    return pull_model(
        {"org", "name"}, {folder_ / "models", std::move(patterns), hub_.hub()}, silent_progress());
  }
  [[nodiscard]] fs::path at(std::string_view name) const {
    return folder_ / "models/org/name" / name;
  }
  /// Files that the hub was asked for.
  std::size_t n_fetched() {
    const auto targets = hub_.server().targets();
    return static_cast<std::size_t>(std::ranges::count_if(targets, [](const std::string& target) {
      return target.find("/resolve/") != std::string::npos;
    }));
  }
  FakeHub hub_;
  testing::TempFolder folder_;
};

TEST_F(PullModelTest, BringsWhatIsReadAndRemembersWhatItIs) {
  const PulledModel pulled = pull().take();
  EXPECT_EQ(pulled.licence, "apache-2.0");
  EXPECT_EQ(pulled.files.size(), 2U);
  EXPECT_EQ(testing::read_file(at("model.safetensors")), "the weights");
  EXPECT_FALSE(fs::exists(at("pytorch_model.bin")));
  EXPECT_THAT(testing::read_file(at("nibble-pull.json")),
              AllOf(HasSubstr("\"commit\":\"c0ffee\""),
                    HasSubstr("\"licence\":\"apache-2.0\""),
                    HasSubstr(sha256_hex("the weights"))));
  EXPECT_TRUE(pull().take().files[1].was_there);
  EXPECT_EQ(n_fetched(), 2U);  // nothing is fetched a second time
  EXPECT_EQ(pull({"*.bin"}).take().files.size(), 1U);
  EXPECT_THAT(testing::read_file(at("nibble-pull.json")), HasSubstr("model.safetensors"));
}

TEST_F(PullModelTest, AStoppedPullGoesOnAndIsNoModelBefore) {
  hub_.on_request = [](const std::string& target, std::size_t) -> std::optional<ServerReply> {
    return target.ends_with("model.safetensors") ? std::optional(ServerReply{503, "busy"})
                                                 : std::nullopt;
  };
  EXPECT_FALSE(pull());
  EXPECT_TRUE(fs::exists(at("config.json")));
  EXPECT_FALSE(fs::exists(at("nibble-pull.json")));
  hub_.on_request = nullptr;
  const PulledModel pulled = pull().take();
  EXPECT_TRUE(pulled.files[0].was_there);
  EXPECT_FALSE(pulled.files[1].was_there);
}

TEST_F(PullModelTest, RevisionsDoNotMix) {
  ASSERT_TRUE(pull());
  hub_.commit = "decade";
  const auto other = pull();
  EXPECT_EQ(other.failure().code, ErrorCode::kMismatch);
  EXPECT_THAT(other.failure().message,
              AllOf(HasSubstr("holds the commit c0ffee"), HasSubstr("decade")));
}

TEST_F(PullModelTest, AFileThatWasChangedIsNotTakenForItself) {
  ASSERT_TRUE(pull());
  testing::write_file(at("model.safetensors"), "the WEIGHTS");
  EXPECT_THAT(pull().failure().message, HasSubstr("not what was pulled"));
  testing::write_file(at("model.safetensors"), "short");
  EXPECT_THAT(pull().failure().message, HasSubstr("not of the size"));
}

TEST_F(PullModelTest, TwoPullsDoNotMeet) {
  const FolderLock lock(folder_ / "models/org/name", ".pull.lock", "someone");
  EXPECT_THAT(pull().failure().message, HasSubstr("another pull is running"));
}

TEST_F(PullModelTest, MoreThanTheDiskHoldsIsNotBegun) {
  hub_.on_request = [](const std::string& target, std::size_t) -> std::optional<ServerReply> {
    return target.find("/tree/") == std::string::npos
               ? std::nullopt
               : std::optional(ServerReply{
                     200,
                     R"([{"type":"file","path":"a.safetensors","size":1152921504606846976}])"});
  };
  EXPECT_THAT(pull().failure().message, AllOf(HasSubstr("are needed"), HasSubstr("are free")));
}

TEST_F(PullModelTest, AnOpenChoiceNamesTheModel) {
  hub_.files = {{"a.gguf", {"a", true}}, {"b.gguf", {"b", true}}};
  EXPECT_THAT(pull().failure().message, HasSubstr("org/name: 2 GGUF models"));
  EXPECT_TRUE(pull({"a.gguf"}));
  EXPECT_EQ(readable_model(folder_ / "models/org/name").take(), at("a.gguf"));
}

}  // namespace
}  // namespace nibble::data
