#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cstdlib>

#include "support/files.h"
#include "unit/data/hub/fake_hub.h"

namespace nibble::app {
namespace {

using ::testing::HasSubstr;

class PullTest : public ::testing::Test {
 protected:
  PullTest() { setenv("HF_ENDPOINT", hub_.server().url().c_str(), 1); }
  ~PullTest() override { unsetenv("HF_ENDPOINT"); }
  testing::CommandResult pull(std::string_view arguments) {
    return testing::run_program(
        fmt::format("pull --models {} {}", folder_.path().string(), arguments));
  }
  data::FakeHub hub_;
  testing::TempFolder folder_;
};

TEST_F(PullTest, SaysWhatCameUnderWhichLicence) {
  hub_.files = {{"a.Q4.gguf", {"four bits", true}}, {"a.Q8.gguf", {"eight", true}}};
  const auto open = pull("org/name");
  EXPECT_EQ(open.exit_code, 2);
  EXPECT_THAT(open.err, HasSubstr("choose one, such as --include"));
  const auto run = pull("org/name --include '*Q4*'");
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const std::string file = (folder_ / "org/name/a.Q4.gguf").string();
  EXPECT_THAT(run.out, HasSubstr(sha256_hex("four bits") + "  " + file));
  EXPECT_TRUE(run.out.ends_with("licence: apache-2.0\n" + file + "\n"));
  EXPECT_THAT(run.err, HasSubstr("1 files, 9 B to come; licence: apache-2.0"));
  EXPECT_THAT(pull("--json org/name --include '*Q4*'").out, HasSubstr("\"was_there\":true"));
}

TEST_F(PullTest, NamesAndOfflineSwitchesAreLookedAtFirst) {
  EXPECT_EQ(pull("name").exit_code, 2);
  setenv("HF_HUB_OFFLINE", "1", 1);
  const auto run = pull("org/name");
  unsetenv("HF_HUB_OFFLINE");
  EXPECT_EQ(run.exit_code, 5);
  EXPECT_THAT(run.err, HasSubstr("HF_HUB_OFFLINE is set"));
  EXPECT_TRUE(hub_.server().targets().empty());
}

}  // namespace
}  // namespace nibble::app
