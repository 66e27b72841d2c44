#include "quant/solve/input_order.h"

#include <gmock/gmock.h>

namespace nibble::quant {
namespace {

using ::testing::ElementsAre;

constexpr double kEnergy[] = {1, 3, 2, 9, 4, 5, 100};

TEST(InputOrder, OfSevenInputsInGroupsOfThree) {
  const auto order = [](InputOrder o) { return make_places(kEnergy, 3, o, false).input; };
  EXPECT_THAT(order(InputOrder::kNatural), ElementsAre(0, 1, 2, 3, 4, 5, 6));
  EXPECT_THAT(order(InputOrder::kActivation), ElementsAre(6, 3, 5, 4, 1, 2, 0));
  EXPECT_THAT(order(InputOrder::kGrouped), ElementsAre(3, 5, 4, 1, 2, 0, 6));
}

TEST(InputOrder, GroupsAreNeighboursInTheNaturalOrderOrByPlace) {
  EXPECT_THAT(make_places(kEnergy, 3, InputOrder::kActivation, false).group,
              ElementsAre(2, 1, 1, 1, 0, 0, 0));
  EXPECT_THAT(make_places(kEnergy, 3, InputOrder::kActivation, true).group,
              ElementsAre(0, 0, 0, 1, 1, 1, 2));
}

TEST(InputOrder, EqualEnergiesKeepTheirOrder) {
  constexpr double kEqual[] = {2, 5, 2, 5};
  EXPECT_THAT(make_places(kEqual, 4, InputOrder::kActivation, false).input,
              ElementsAre(1, 3, 0, 2));
}

}  // namespace
}  // namespace nibble::quant
