#include "eval/python_random.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace nibble::eval {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

// Expected values: CPython 3.11, random.Random(1234).

TEST(PythonRandom, FirstOutputs) {
  PythonRandom random(1234);
  EXPECT_EQ(random.next(), 4150886329U);
  EXPECT_EQ(random.next(), 3342196574U);
  EXPECT_EQ(random.next(), 1892932127U);
  EXPECT_EQ(random.next(), 501869158U);
}

TEST(PythonRandom, Uniform) {
  PythonRandom random(1234);
  EXPECT_EQ(random.uniform(), 0.9664535356921388);
  EXPECT_EQ(random.uniform(), 0.4407325991753527);
  EXPECT_EQ(random.uniform(), 0.007491470058587191);
}

TEST(PythonRandom, SamplesByRejection) {
  PythonRandom gsm8k(1234);
  EXPECT_THAT(gsm8k.sample(7473, 5), ElementsAre(6374, 3610, 957, 61, 742));
  EXPECT_THAT(gsm8k.sample(7473, 5), ElementsAre(7462, 6610, 4769, 286, 5501));
  PythonRandom hellaswag(1234);
  EXPECT_EQ(hellaswag.sample(39905, 6).front(), 28883U);
  EXPECT_THAT(hellaswag.sample(39905, 6), ElementsAre(5500, 6450, 23241, 15519, 1142, 2019));
}

TEST(PythonRandom, SamplesManyWithoutRepeating) {
  PythonRandom arc(1234);
  const std::vector<std::size_t> expected = {902, 239, 15,   185, 71,  171, 201, 726, 484,
                                             35,  63,  32,   708, 991, 949, 304, 186, 374,
                                             234, 29,  1030, 996, 511, 132, 1108};
  EXPECT_THAT(arc.sample(1119, 25), ElementsAreArray(expected));
}

TEST(PythonRandom, ShufflesASmallPool) {
  PythonRandom random(1234);
  EXPECT_THAT(random.sample(5, 5), ElementsAre(3, 0, 4, 2, 1));
  EXPECT_THAT(random.sample(20, 3), ElementsAre(2, 3, 11));
  EXPECT_THAT(random.sample(60, 6), ElementsAre(15, 1, 58, 50, 57, 22));
  EXPECT_TRUE(random.sample(0, 0).empty());
}

TEST(PythonRandom, RefusesMoreThanThePool) {
  PythonRandom random(1);
  try {
    random.sample(3, 4);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "4 solved examples wanted, the pool has 3");
  }
}

}  // namespace
}  // namespace nibble::eval
