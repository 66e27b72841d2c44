#include "study/conditions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace nibble::study {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Conditions = std::vector<store::Condition>;

const Conditions kStored = {
    {"weights", "a", true}, {"study", "s", true}, {"memory", "8 GB", false}};

TEST(Conditions, AnEmptyStoreFitsEverything) {
  check_conditions({}, kStored, "x.db");
}

TEST(Conditions, WhatIsNotBindingMayChange) {
  Conditions now = kStored;
  now[2].value = "16 GB";
  check_conditions(kStored, now, "x.db");
}

TEST(Conditions, EveryBindingDifferenceIsListed) {
  const Conditions now = {
      {"weights", "b", true}, {"arithmetic", "f32", true}, {"memory", "1", false}};
  try {
    check_conditions(kStored, now, "out/study.db");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kMismatch);
    EXPECT_THAT(error.what(), HasSubstr("out/study.db"));
    EXPECT_THAT(error.what(), HasSubstr("weights: stored 'a', now 'b'"));
    EXPECT_THAT(error.what(), HasSubstr("study: stored 's', now nothing"));
    EXPECT_THAT(error.what(), HasSubstr("arithmetic: stored nothing, now 'f32'"));
    EXPECT_THAT(error.what(), Not(HasSubstr("memory")));
  }
}

}  // namespace
}  // namespace nibble::study
