#include "ops/token_rounding.h"

#include <gmock/gmock.h>

namespace nibble::ops {
namespace {

using ::testing::ElementsAre;
using ::testing::FloatEq;
using ::testing::Pointwise;

std::vector<float> rounded(const TokenRounding& rounding,
                           std::vector<float> x,
                           std::size_t rows = 1) {
  ThreadPool pool(2);
  round_tokens(rounding, {x.data(), rows, x.size() / rows}, pool);
  return x;
}

TEST(RoundTokens, EachTokenHasItsOwnScale) {
  // Four bits: seven steps up to the largest. A tie goes to the even code.
  EXPECT_THAT(rounded({.bits = 4}, {1.4F, 0.45F, -0.75F, 0.0F, 7.0F, 0.4F, -3.6F, 2.5F}, 2),
              Pointwise(FloatEq(), {1.4F, 0.4F, -0.8F, 0.0F, 7.0F, 0.0F, -4.0F, 2.0F}));
}

TEST(RoundTokens, ClippedValuesStopAtTheEnds) {
  // Scale 0.5 * 7 / 7: codes -8 to 7.
  EXPECT_THAT(rounded({.bits = 4, .clip = 0.5F}, {7.0F, -7.0F, 1.0F}),
              ElementsAre(3.5F, -4.0F, 1.0F));
}

TEST(RoundTokens, OutliersStayAndDoNotCount) {
  EXPECT_THAT(rounded({.bits = 4, .clip = 1.0F, .outliers = 6.0F}, {50.3F, -6.0F, 0.7F, 0.26F}),
              Pointwise(FloatEq(), {50.3F, -6.0F, 0.7F, 0.3F}));
}

TEST(RoundTokens, NothingWhenOffAndZerosStay) {
  EXPECT_THAT(rounded({}, {0.123F, 4.0F}), ElementsAre(0.123F, 4.0F));
  EXPECT_THAT(rounded({.bits = 8}, {0.0F, 0.0F}), ElementsAre(0.0F, 0.0F));
}

}  // namespace
}  // namespace nibble::ops
