#include "report/advice/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "advice_store.h"
#include "support/files.h"

namespace nibble::report {
namespace {

using nibble::testing::TempFolder;
using ::testing::HasSubstr;
using ::testing::Not;

class AdviceTextTest : public ::testing::Test {
 protected:
  std::string with(const Limits& limits) { return advice_text(advise(store_, data_, limits)); }
  TempFolder folder_;
  store::Store store_ = advice_store(folder_ / "s.db");
  Data data_ = gather(store_);
};

TEST_F(AdviceTextTest, SaysWhatToDeployAndWhyNotTheOthers) {
  const std::string text = with({});
  EXPECT_THAT(text, ::testing::StartsWith("Deploy small.\n"));
  EXPECT_THAT(text, HasSubstr("which is not decidable: unsure."));
  EXPECT_THAT(text, HasSubstr("Against the runner-up, reference:"));
  EXPECT_THAT(text,
              HasSubstr("\nAccepted: a loss of 2 points on choice; of 5 % of the reference's "
                        "perplexity on pages.\n"));
  EXPECT_THAT(text, Not(HasSubstr("Every variant but the reference")));
  EXPECT_THAT(text, HasSubstr("  reference: admissible, on the front\n  small"));
  EXPECT_THAT(text, HasSubstr("  fast: out"));
  EXPECT_THAT(text, HasSubstr("failed     loss on choice: 10.0 points lost"));
  EXPECT_THAT(text, HasSubstr("undecided  loss on choice: failed: group 96 does not divide"));
  EXPECT_THAT(text, HasSubstr("would tell"));
  EXPECT_THAT(text, HasSubstr("Rule: A loss meets its limit"));
}

TEST_F(AdviceTextTest, NotDecidableSaysHowManySamplesWouldTell) {
  Limits limits;
  limits.memory_bytes = 35e6;
  EXPECT_THAT(with(limits),
              ::testing::ContainsRegex("Not decidable: .* With about [0-9]+ samples"));
}

TEST_F(AdviceTextTest, ALoneWinnerHasNoRunnerUp) {
  Limits limits;
  limits.memory_bytes = 41e6;
  const std::string text = with(limits);
  EXPECT_THAT(text, HasSubstr("there is no runner-up"));
  EXPECT_THAT(text, Not(HasSubstr("Against the runner-up")));
}

}  // namespace
}  // namespace nibble::report
