#include "app/model_names.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <cstdlib>

#include "support/files.h"

namespace nibble::app {
namespace {

class ModelNamesTest : public ::testing::Test {
 protected:
  ModelNamesTest() {
    CLI::App* command = program_.add_subcommand("use");
    command->add_option("MODEL", model_);
    command->add_option("--other", other_);
    accept_model_names(program_);
    if (const char* before = std::getenv("NIBBLE_MODELS")) {
      before_ = before;
    }
    setenv("NIBBLE_MODELS", folder_.path().c_str(), 1);
    std::filesystem::create_directories(folder_ / "org/name");
    testing::write_file(folder_ / "org/name/nibble-pull.json", "{}");
  }
  ~ModelNamesTest() override {
    before_.empty() ? unsetenv("NIBBLE_MODELS") : setenv("NIBBLE_MODELS", before_.c_str(), 1);
  }
  testing::TempFolder folder_;
  CLI::App program_;
  std::string model_, other_, before_;
};

TEST_F(ModelNamesTest, ANameBecomesThePathOfWhatWasPulled) {
  testing::write_file(folder_ / "org/name/config.json", "{}");
  program_.parse("use org/name --other org/name");
  EXPECT_EQ(model_, (folder_ / "org/name").string());
  EXPECT_EQ(other_, "org/name");
  program_.parse("use no/such");
  EXPECT_EQ(model_, "no/such");
  program_.parse("use " + folder_.path().string());
  EXPECT_EQ(model_, folder_.path().string());
}

TEST_F(ModelNamesTest, AChoiceThatIsOpenIsAnErrorOfUse) {
  testing::write_file(folder_ / "org/name/a.gguf", "");
  program_.parse("use org/name");
  EXPECT_EQ(model_, (folder_ / "org/name/a.gguf").string());
  testing::write_file(folder_ / "org/name/b.gguf", "");
  EXPECT_THROW(program_.parse("use org/name"), CLI::ParseError);
}

}  // namespace
}  // namespace nibble::app
