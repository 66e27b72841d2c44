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

TEST(Conditions, FieldsOfProcFiles) {
  const std::string_view text = "processor\t: 0\nmodel\t\t: 17\nmodel name\t: AMD EPYC\nempty:\n";
  EXPECT_EQ(field_of(text, "model name"), "AMD EPYC");
  EXPECT_EQ(field_of(text, "model"), "17");
  EXPECT_EQ(field_of(text, "empty"), "");
  EXPECT_EQ(field_of(text, "absent"), "");
}

TEST(Conditions, TheMachineIsDescribed) {
  const Machine machine = describe_machine();
  EXPECT_FALSE(machine.processor.empty());
  EXPECT_GE(machine.n_processors, 1U);
  EXPECT_THAT(machine.memory, HasSubstr("GB"));
  EXPECT_THAT(machine.system, HasSubstr(" "));
}

}  // namespace
}  // namespace nibble::study
