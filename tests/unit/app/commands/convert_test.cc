#include <fmt/format.h>
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "unit/quant/tiny_checkpoint.h"

namespace nibble::app {
namespace {

using ::testing::HasSubstr;

class ConvertCommand : public ::testing::Test {
 protected:
  ConvertCommand() {
    quant::write_tiny_checkpoint(folder_ / "tiny");
    testing::run_program(fmt::format(
        "quantize {} -r method=nearest,codec=int4g32sh -o {}", path("tiny"), path("q")));
  }
  std::string path(std::string_view name) const { return (folder_ / name).string(); }

  testing::TempFolder folder_;
};

TEST_F(ConvertCommand, SaysWhatWasWrittenAndChecked) {
  const auto done =
      testing::run_program(fmt::format("convert {} {} --to gptq", path("q"), path("out")));
  ASSERT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("7 weights as gptq, 5 plain"));
  EXPECT_THAT(done.out, HasSubstr("read back: all 12 weights equal to the source"));
}

TEST_F(ConvertCommand, JsonIsOneDocument) {
  const auto done = testing::run_program(
      fmt::format("convert -q --json {} {} --to gptq_v2", path("q"), path("out")));
  ASSERT_EQ(done.exit_code, 0) << done.err;
  EXPECT_EQ(nlohmann::json::parse(done.out).at("n_verified"), 12);
}

TEST_F(ConvertCommand, RefusesAnExistingFolderAndUnknownFormats) {
  EXPECT_THAT(
      testing::run_program(fmt::format("convert {} {} --to gptq", path("q"), path("tiny"))).err,
      HasSubstr("exists already"));
  const auto unknown =
      testing::run_program(fmt::format("convert {} {} --to gptqv2", path("q"), path("out")));
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("unknown format 'gptqv2' (did you mean 'gptq_v2'?)"));
}

}  // namespace
}  // namespace nibble::app
