#include "app/auto_bits.h"

#include <gmock/gmock.h>

#include <CLI/CLI.hpp>
#include <filesystem>

#include "unit/quant/tiny_checkpoint.h"

namespace nibble::app {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

TEST(AutoBitsOptions, AreOffWithoutABudget) {
  CLI::App app;
  AutoBitsOptions options;
  add_auto_bits_options(app, options);
  app.parse("");
  EXPECT_FALSE(options.is_on());
  app.parse("--auto-bits 3.5 --auto-codecs int2g64ah,int4g64ah --auto-windows 1");
  EXPECT_TRUE(options.is_on());
  EXPECT_EQ(options.codecs.size(), 2U);
  EXPECT_THROW(app.parse("--auto-bits 0"), CLI::ParseError);
}

class AutoBitsCommand : public ::testing::Test {
 protected:
  AutoBitsCommand() {
    quant::write_tiny_checkpoint(folder_ / "tiny", 0.0F, 3);
    std::string text;
    for (int i = 0; i < 2000; ++i) {
      text += static_cast<char>('a' + (i * i + i / 7) % 26);
      text += ' ';
    }
    testing::write_file(folder_ / "text.txt", text);
  }
  testing::CommandResult run(const std::string& options) {
    return testing::run_program(
        fmt::format("quantize {} -r rtn-int4 --auto-text text.txt --data {} --auto-windows 1 "
                    "--auto-codecs int2g32ah,int3g32ah,int4g32ah,int8g32ah --sensitivity {} {}",
                    (folder_ / "tiny").string(),
                    folder_.path().string(),
                    (folder_ / "s.json").string(),
                    options));
  }
  testing::TempFolder folder_;
};

TEST_F(AutoBitsCommand, ChoosesBitsUnderTheBudgetAndWritesRecipeAndModel) {
  const std::string out = (folder_ / "out").string();
  const std::string recipe = (folder_ / "mixed.toml").string();
  const auto done = run(fmt::format("--auto-bits 4.5 -o {} --recipe-out {}", out, recipe));
  ASSERT_EQ(done.exit_code, 0) << done.err;
  EXPECT_THAT(done.out, HasSubstr("codes of single parts by nearest"));
  EXPECT_TRUE(fs::exists(out + "/model.safetensors"));
  const std::string text = testing::read_file(recipe);
  EXPECT_THAT(text, HasSubstr("\"model.layers.2.*\" = \"int"));
  // What was measured serves another budget: nothing is measured again.
  const auto again = run("--auto-bits 3.4 --plan");
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_THAT(again.err, ::testing::Not(HasSubstr("sensitivity, models")));
}

TEST_F(AutoBitsCommand, WhatDoesNotFitIsSaid) {
  const auto low = run("--auto-bits 1 --plan");
  EXPECT_EQ(low.exit_code, 3);
  EXPECT_THAT(low.err, HasSubstr("1 bits per weight: a budget of"));
  const auto other = run("--auto-bits 4 --auto-by-matrix --plan");
  EXPECT_EQ(other.exit_code, 8);
  EXPECT_THAT(other.err, HasSubstr("name another file"));
}

}  // namespace
}  // namespace nibble::app
