#include "store/merge.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "base/error.h"
#include "store/database.h"
#include "support/files.h"

namespace nibble::store {
namespace {

namespace fs = std::filesystem;
using nibble::testing::TempFolder;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr std::size_t kSamples = 6;

Plan study_plan() {
  Plan plan;
  plan.variants = {{"v1", "reference", "none", "", "", {}},
                   {"v2", "int4", "rtn-int4", "text", "hash", {}}};
  plan.tasks = {
      {"t1", "arc_easy", 2, "0-shot", "data", kSamples, {{"acc", "fraction", true, "identity"}}}};
  plan.units = {{"u1", "v1", "t1", ""}, {"u2", "v2", "t1", ""}, {"u3", "v2", "", "128 tokens"}};
  return plan;
}

const std::vector<Condition>& study_conditions() {
  static const std::vector<Condition> kConditions = {{"processor", "P", true},
                                                     {"threads", "2 of 2", false}};
  return kConditions;
}

SampleRecord answered(std::size_t index, std::string answer = "right") {
  SampleRecord row{index, fmt::format("id{}", index), "prompt", "target", std::move(answer), {}};
  row.scores = {{"acc", ScoreRecord::Ratio{1, 1}}};
  row.attention = fmt::format("looked at {}", index);
  return row;
}

std::vector<SampleRecord> answered_range(std::size_t first, std::size_t end) {
  std::vector<SampleRecord> out;
  for (std::size_t i = first; i < end; ++i) {
    out.push_back(answered(i));
  }
  return out;
}

/// A store of the study without observations.
Store begin(const fs::path& path, const Plan& plan = study_plan()) {
  Store store = Store::open(path);
  store.replace_conditions(study_conditions());
  store.replace_notes(std::vector<std::string>{"a note"});
  store.replace_plan(plan);
  return store;
}

class MergeTest : public ::testing::Test {
 protected:
  void join(std::initializer_list<std::string_view> names, std::string_view target = "all.db") {
    Merger merger(folder_ / "work.db");
    for (const std::string_view name : names) {
      merger.add(folder_ / name);
      counts_ = merger.counts();
    }
    merger.publish(folder_ / target);
  }
  /// The Error of joining the stores.
  std::string refusal(std::initializer_list<std::string_view> names) {
    try {
      join(names);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kMismatch);
      return error.what();
    }
    return "not refused";
  }
  std::string bytes(std::string_view name) { return testing::read_file(folder_ / name); }

  /// u1 whole and half of u2; the other half, and the speed.
  void write_halves() {
    Store left = begin(folder_ / "left.db");
    left.set_facts("v1", {"weights", 100, 90, 16, "1 x f16", {}});
    left.add_samples("u1", answered_range(0, kSamples));
    left.add_samples("u2", answered_range(0, 3));
    Store right = begin(folder_ / "right.db");
    right.set_facts("v2", {"packed", 30, 25, 4.5, "1 x q4", QuantizeCost{5, 9, 1000}});
    right.add_samples("u2", answered_range(3, kSamples));
    right.add_measurements("u3", std::vector<MeasurementRecord>{{"decode", "ms", 0, 5.0, ""}});
  }
  void write_whole() {
    Store whole = begin(folder_ / "whole.db");
    whole.set_facts("v1", {"weights", 100, 90, 16, "1 x f16", {}});
    whole.add_samples("u1", answered_range(0, kSamples));
    whole.set_facts("v2", {"packed", 30, 25, 4.5, "1 x q4", QuantizeCost{5, 9, 1000}});
    whole.add_measurements("u3", std::vector<MeasurementRecord>{{"decode", "ms", 0, 5.0, ""}});
    whole.add_samples("u2", answered_range(0, 2));
    whole.add_samples("u2", answered_range(2, kSamples));
  }

  TempFolder folder_;
  MergeCounts counts_;
};

TEST_F(MergeTest, HalvesInAnyOrderGiveTheBytesOfTheWhole) {
  write_halves();
  write_whole();
  join({"whole.db"}, "canonical.db");
  join({"left.db", "right.db"}, "a.db");
  join({"right.db", "left.db"}, "b.db");
  join({"a.db"}, "c.db");
  EXPECT_EQ(bytes("a.db"), bytes("canonical.db"));
  EXPECT_EQ(bytes("b.db"), bytes("canonical.db"));
  EXPECT_EQ(bytes("c.db"), bytes("canonical.db"));
  EXPECT_FALSE(fs::exists(folder_ / "work.db"));
  EXPECT_FALSE(fs::exists(folder_ / "a.db-wal"));
  const Store all = Store::open_read_only(folder_ / "a.db");
  EXPECT_EQ(all.sample_indexes("u2").size(), kSamples);
  EXPECT_EQ(all.attention("u2", 4), "looked at 4");
  EXPECT_EQ(all.measurements("u3").size(), 1U);
  EXPECT_EQ(all.plan().variants.at(1).facts->cost->peak_bytes, 1000U);
  EXPECT_EQ(all.notes().at(0), "a note");
}

TEST_F(MergeTest, WhatIsInSeveralStoresIsKeptOnce) {
  write_halves();
  write_whole();
  join({"left.db", "whole.db", "left.db", "right.db"});
  EXPECT_EQ(counts_.stores, 4U);
  EXPECT_EQ(counts_.repeated_samples, 9U + 9U + 3U);
  EXPECT_EQ(counts_.repeated_units, 1U);
  join({"whole.db"}, "canonical.db");
  EXPECT_EQ(bytes("all.db"), bytes("canonical.db"));
}

TEST_F(MergeTest, AnotherAnswerIsRefusedWithItsPlace) {
  write_halves();
  begin(folder_ / "other.db").add_samples("u2", std::vector<SampleRecord>{answered(2, "wrong")});
  EXPECT_THAT(refusal({"left.db", "other.db"}),
              AllOf(HasSubstr("other.db"),
                    HasSubstr("variant 'int4', task 'arc_easy', idx 2: answer is 'wrong', but "
                              "'right' in the stores before it")));
}

TEST_F(MergeTest, OtherWeightsAreRefused) {
  write_halves();
  begin(folder_ / "other.db").set_facts("v1", {"others", 100, 90, 16, "1 x f16", {}});
  EXPECT_THAT(refusal({"left.db", "other.db"}), HasSubstr("model_hash is 'others', but 'weights'"));
}

TEST_F(MergeTest, OtherConditionsAreRefusedTogether) {
  write_halves();
  begin(folder_ / "other.db")
      .replace_conditions(std::vector<Condition>{{"processor", "Q", true}, {"device", "d", true}});
  EXPECT_THAT(refusal({"left.db", "other.db"}),
              AllOf(HasSubstr("processor: 'P' before, 'Q' here"),
                    HasSubstr("device: nothing before, 'd' here")));
}

TEST_F(MergeTest, ConditionsThatDoNotBindAreAllKept) {
  write_halves();
  Store::open(folder_ / "right.db")
      .replace_conditions(
          std::vector<Condition>{{"processor", "P", true}, {"threads", "1 of 9", false}});
  join({"left.db", "right.db"});
  join({"all.db", "left.db"}, "again.db");
  EXPECT_EQ(Store::open_read_only(folder_ / "all.db").conditions().at(1).value, "1 of 9 | 2 of 2");
  EXPECT_EQ(bytes("again.db"), bytes("all.db"));
}

TEST_F(MergeTest, AStudyThatHasGrownTakesInWhatItHad) {
  write_halves();
  Plan grown = study_plan();
  grown.variants.push_back({"v3", "int8", "rtn-int8", "text8", "hash8", {}});
  grown.units.push_back({"u4", "v3", "t1", ""});
  begin(folder_ / "grown.db", grown).add_samples("u4", answered_range(0, 1));
  join({"left.db", "grown.db"});
  join({"grown.db", "left.db"}, "other_order.db");
  EXPECT_EQ(Store::open_read_only(folder_ / "all.db").plan().units.size(), 4U);
  EXPECT_EQ(bytes("all.db"), bytes("other_order.db"));
}

TEST_F(MergeTest, PlansOfTwoStudyFilesAreRefused) {
  write_halves();
  Plan other = study_plan();
  other.units.back() = {"u9", "v2", "", "64 tokens"};
  begin(folder_ / "other.db", other);
  EXPECT_THAT(refusal({"left.db", "other.db"}),
              HasSubstr("has the unit int4/speed, which the stores before it have not"));
}

TEST_F(MergeTest, TheFirstMeasurementOfAUnitIsKept) {
  write_halves();
  begin(folder_ / "later.db")
      .add_measurements("u3", std::vector<MeasurementRecord>{{"decode", "ms", 0, 7.0, ""}});
  join({"right.db", "later.db"});
  EXPECT_EQ(Store::open_read_only(folder_ / "all.db").measurements("u3").at(0).value, 5.0);
  join({"later.db", "right.db"}, "turned.db");
  EXPECT_EQ(Store::open_read_only(folder_ / "turned.db").measurements("u3").at(0).value, 7.0);
}

TEST_F(MergeTest, AFailureIsForgottenWhereItsUnitIsWhole) {
  write_halves();
  Store::open(folder_ / "left.db").add_failure({"u2", "no memory"});
  Store::open(folder_ / "left.db").add_failure({"u3", "no memory"});
  join({"left.db"});
  EXPECT_EQ(Store::open_read_only(folder_ / "all.db").failures().size(), 2U);
  join({"left.db", "right.db"});
  EXPECT_THAT(Store::open_read_only(folder_ / "all.db").failures(), IsEmpty());
}

TEST_F(MergeTest, WhatWasRefusedLeavesTheRestAsItWas) {
  write_halves();
  begin(folder_ / "other.db")
      .add_samples("u2", std::vector<SampleRecord>{answered(2, "wrong"), answered(5)});
  Merger merger(folder_ / "work.db");
  merger.add(folder_ / "left.db");
  EXPECT_THROW(merger.add(folder_ / "other.db"), Error);
  EXPECT_EQ(merger.joined().sample_indexes("u2").size(), 3U);
  merger.add(folder_ / "right.db");
  EXPECT_EQ(merger.joined().sample_indexes("u2").size(), kSamples);
}

TEST_F(MergeTest, OtherFilesAreNoStores) {
  testing::write_file(folder_ / "text.db", "not a database, but long enough to be read as one");
  Merger merger(folder_ / "work.db");
  EXPECT_THROW(merger.add(folder_ / "text.db"), Error);
  EXPECT_THROW(merger.add(folder_ / "absent.db"), Error);
}

TEST_F(MergeTest, ALogThatWasLeftBehindIsNotTakenForTheNewFiles) {
  write_halves();
  const pid_t child = fork();
  if (child == 0) {  // a writer that dies with its log unmerged
    Store store = begin(folder_ / "all.db");
    store.add_failure({"u1", "of the old file"});
    kill(getpid(), SIGKILL);
  }
  waitpid(child, nullptr, 0);
  ASSERT_TRUE(fs::exists(folder_ / "all.db-wal"));
  join({"left.db", "right.db"});
  const Store all = Store::open_read_only(folder_ / "all.db");
  EXPECT_THAT(all.failures(), IsEmpty());
  EXPECT_EQ(all.sample_indexes("u1").size(), kSamples);
}

TEST_F(MergeTest, KilledAtAnyMomentTheOldFileOrTheNewOneIsThere) {
  write_halves();
  join({"left.db"});
  const std::string old = bytes("all.db");
  join({"left.db", "right.db"}, "new.db");
  const std::string whole = bytes("new.db");
  const auto began = std::chrono::steady_clock::now();
  join({"left.db", "right.db"}, "timed.db");
  const auto time = std::chrono::steady_clock::now() - began;
  constexpr int kKills = 20;
  for (int i = 0; i < kKills; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      join({"left.db", "right.db"});
      _exit(0);
    }
    std::this_thread::sleep_for(time * i / (kKills - 4));  // some come to their end
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    const std::string found = bytes("all.db");
    EXPECT_TRUE(found == old || found == whole) << "kill " << i;
  }
  join({"left.db", "right.db"});
  EXPECT_EQ(bytes("all.db"), whole);
}

}  // namespace
}  // namespace nibble::store
