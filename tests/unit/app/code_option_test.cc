#include "app/code_option.h"

#include <gtest/gtest.h>

namespace nibble::app {
namespace {

TEST(CodeOption, Parses) {
  CLI::App command;
  CodeChoice choice;
  add_allow_code_option(command, choice.is_allowed);
  add_code_sampling_options(command, choice.sampling);
  command.parse("--allow-code --samples 20 --pass-k 1,10 --temperature 0.8 --seed 4");
  EXPECT_TRUE(choice.is_allowed);
  EXPECT_EQ(choice.sampling.n_samples, 20U);
  EXPECT_EQ(choice.sampling.ks, (std::vector<std::size_t>{1, 10}));
  EXPECT_EQ(choice.sampling.temperature, 0.8);
  EXPECT_FALSE(choice.sampling.top_p);
  EXPECT_EQ(choice.sampling.seed, 4U);
}

TEST(CodeOption, RefusesWhatHasNoMeaning) {
  for (const char* line :
       {"--samples 0", "--pass-k 0", "--temperature -1", "--top-p 0", "--top-p 1.1", "--seed -1"}) {
    CLI::App command;
    eval::CodeSampling sampling;
    add_code_sampling_options(command, sampling);
    EXPECT_THROW(command.parse(line), CLI::ParseError) << line;
  }
}

}  // namespace
}  // namespace nibble::app
