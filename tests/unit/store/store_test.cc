#include "store/store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "store/database.h"
#include "support/files.h"

namespace nibble::store {
namespace {

using nibble::testing::TempFolder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

Plan small_plan() {
  Plan plan;
  plan.variants = {{"v1", "reference", "none", "", "", {}},
                   {"v2", "int4", "rtn-int4", "text", "hash", {}}};
  plan.tasks = {
      {"t1", "arc_easy", 2, "0-shot", "data", 3, {{"acc", "fraction", true, "identity"}}}};
  plan.units = {{"u1", "v1", "t1", ""}, {"u2", "v2", "t1", ""}, {"u3", "v2", "", "128 tokens"}};
  return plan;
}

SampleRecord sample(std::size_t index, std::optional<ScoreRecord::Ratio> ratio) {
  return {index, "id" + std::to_string(index), "prompt", "target", "answer", {{"acc", ratio}}};
}

TEST(Store, PlanComesBackInOrder) {
  const TempFolder folder;
  Store store = Store::open(folder / "s.db");
  store.replace_plan(small_plan());
  const Plan plan = store.plan();
  ASSERT_EQ(plan.variants.size(), 2U);
  EXPECT_EQ(plan.variants[0].name, "reference");
  EXPECT_EQ(plan.variants[1].recipe_text, "text");
  EXPECT_FALSE(plan.variants[1].facts);
  ASSERT_EQ(plan.tasks.size(), 1U);
  EXPECT_EQ(plan.tasks[0].version, 2);
  ASSERT_EQ(plan.tasks[0].metrics.size(), 1U);
  EXPECT_TRUE(plan.tasks[0].metrics[0].higher_is_better);
  ASSERT_EQ(plan.units.size(), 3U);
  EXPECT_EQ(plan.units[2].task, "");
  EXPECT_EQ(plan.units[2].settings, "128 tokens");
}

TEST(Store, ATaskOverDocumentsSaysHowTheyWereChosen) {
  Store store = Store::in_memory();
  Plan plan = small_plan();
  plan.tasks[0].context = ContextRecord{"squad", "gold", 10, {}, 0};
  store.replace_plan(plan);
  const auto context = store.plan().tasks.at(0).context;
  ASSERT_TRUE(context);
  EXPECT_EQ(context->set, "squad");
  EXPECT_EQ(context->mode, "gold");
  EXPECT_EQ(context->n_documents, 10U);
  EXPECT_EQ(context->budget, std::nullopt);
  EXPECT_EQ(context->gold_slot, 0U);
  plan.tasks[0].id = "t2";
  plan.tasks[0].context.reset();
  plan.units = {{"u9", "v1", "t2", ""}};
  store.replace_plan(plan);
  EXPECT_FALSE(store.plan().tasks.at(0).context);
}

TEST(Store, KeepsWhereTheModelLooked) {
  Store store = Store::in_memory();
  store.replace_plan(small_plan());
  SampleRecord looked = sample(0, {});
  looked.attention = std::string("a\0b", 3);
  store.add_samples("u1", std::vector{looked, sample(1, {})});
  EXPECT_EQ(store.attention("u1", 0), looked.attention);
  EXPECT_EQ(store.attention("u1", 1), std::nullopt);
}

TEST(Store, AnOlderPlansUnitsStayOutsideTheNewPlan) {
  const TempFolder folder;
  Store store = Store::open(folder / "s.db");
  store.replace_plan(small_plan());
  store.add_samples("u2", std::vector{sample(0, ScoreRecord::Ratio{1, 1})});
  Plan changed = small_plan();
  changed.variants[1].id = "v2b";
  changed.units = {{"u1", "v1", "t1", ""}, {"u2b", "v2b", "t1", ""}};
  store.replace_plan(changed);
  EXPECT_EQ(store.plan().units.size(), 2U);
  EXPECT_EQ(store.plan().variants[1].id, "v2b");
  EXPECT_THAT(store.sample_indexes("u2b"), IsEmpty());
  EXPECT_THAT(store.sample_indexes("u2"), ElementsAre(0U));
}

TEST(Store, RenamingAVariantKeepsItsFacts) {
  const TempFolder folder;
  Store store = Store::open(folder / "s.db");
  Plan plan = small_plan();
  store.replace_plan(plan);
  store.set_facts("v2", {"weights", 1000, 900, 4.5, "7 x int4g64"});
  plan.variants[1].name = "four bits";
  store.replace_plan(plan);
  const VariantRecord variant = store.plan().variants[1];
  EXPECT_EQ(variant.name, "four bits");
  ASSERT_TRUE(variant.facts);
  EXPECT_EQ(variant.facts->file_bytes, 1000U);
  EXPECT_EQ(variant.facts->memory_bytes, 900U);
  EXPECT_DOUBLE_EQ(variant.facts->bits_per_weight, 4.5);
  EXPECT_FALSE(variant.facts->cost);
}

TEST(Store, WhatQuantizingCostStaysKnown) {
  const TempFolder folder;
  Store store = Store::open(folder / "s.db");
  store.replace_plan(small_plan());
  store.set_facts("v2", {"weights", 1000, 900, 4.5, "", QuantizeCost{2.5, 4.25, 1000}});
  store.set_facts("v2", {"weights", 1000, 900, 4.5, ""});  // the study went on with the file
  const auto cost = store.plan().variants[1].facts->cost;
  ASSERT_TRUE(cost);
  EXPECT_EQ(cost->seconds, 2.5);
  EXPECT_EQ(cost->cpu_seconds, 4.25);
  EXPECT_EQ(cost->peak_bytes, 1000U);
  store.set_facts("v2", {"weights", 1000, 900, 4.5, "", QuantizeCost{3, 4, {}}});
  EXPECT_FALSE(store.plan().variants[1].facts->cost->peak_bytes);
}

TEST(Store, DoubtfulSamplesAreCountedByFlag) {
  const TempFolder folder;
  Store store = Store::open(folder / "s.db");
  store.replace_plan(small_plan());
  EXPECT_THAT(store.doubtful_samples("u1").flags, IsEmpty());
  EXPECT_FALSE(store.doubtful_samples("u1").chance);
  SampleRecord one = sample(0, std::nullopt);
  one.flags = {"equal options", "not finite"};
  one.chance = 0.25;
  one.responses = "[[null,false]]";
  SampleRecord two = sample(1, std::nullopt);
  two.flags = {"not finite"};
  two.chance = 0.75;
  store.add_samples("u1", std::vector{one, two, sample(2, std::nullopt)});
  const DoubtCounts doubts = store.doubtful_samples("u1");
  EXPECT_EQ(doubts.flags.size(), 2U);
  EXPECT_EQ(doubts.flags.at("equal options"), 1U);
  EXPECT_EQ(doubts.flags.at("not finite"), 2U);
  EXPECT_DOUBLE_EQ(*doubts.chance, 0.5);
  const auto back = store.sample("u1", 0);
  EXPECT_EQ(back->flags, one.flags);
  EXPECT_EQ(back->chance, 0.25);
  EXPECT_EQ(back->responses, one.responses);
  EXPECT_THAT(store.sample("u1", 2)->flags, IsEmpty());
  EXPECT_FALSE(store.sample("u1", 2)->chance);
}

TEST(Store, SamplesThatWereCutAreCounted) {
  const TempFolder folder;
  Store store = Store::open(folder / "s.db");
  store.replace_plan(small_plan());
  EXPECT_EQ(store.cut_samples("u1").asked, 0U);
  SampleRecord cut = sample(1, std::nullopt);
  cut.n_cut_tokens = 7;
  SampleRecord both = sample(2, std::nullopt);
  both.n_cut_tokens = 1;
  both.hit_limit = true;
  store.add_samples("u1", std::vector{sample(0, std::nullopt), cut, both});
  EXPECT_EQ(store.cut_samples("u1").asked, 2U);
  EXPECT_EQ(store.cut_samples("u1").answered, 1U);
  EXPECT_EQ(store.cut_samples("u2").asked, 0U);
  EXPECT_EQ(store.sample("u1", 1)->n_cut_tokens, 7U);
  EXPECT_FALSE(store.sample("u1", 1)->hit_limit);
  EXPECT_TRUE(store.sample("u1", 2)->hit_limit);
}

TEST(Store, UnansweredIsNotZero) {
  const TempFolder folder;
  Store store = Store::open(folder / "s.db");
  store.replace_plan(small_plan());
  store.add_samples("u1",
                    std::vector{sample(2, std::nullopt), sample(0, ScoreRecord::Ratio{0, 1})});
  const auto rows = store.scores("u1", "acc");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].index, 0U);
  ASSERT_TRUE(rows[0].ratio);
  EXPECT_EQ(rows[0].ratio->sum, 0.0);
  EXPECT_EQ(rows[1].index, 2U);
  EXPECT_FALSE(rows[1].ratio);
  const auto read = store.sample("u1", 2);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->sample_id, "id2");
  ASSERT_EQ(read->scores.size(), 1U);
  EXPECT_FALSE(read->scores[0].ratio);
  EXPECT_FALSE(store.sample("u1", 1));
}

TEST(Store, ABatchIsStoredAsAWholeOrNotAtAll) {
  const TempFolder folder;
  Store store = Store::open(folder / "s.db");
  store.replace_plan(small_plan());
  store.add_samples("u1", std::vector{sample(1, ScoreRecord::Ratio{1, 1})});
  const std::vector batch{sample(0, ScoreRecord::Ratio{1, 1}), sample(1, ScoreRecord::Ratio{0, 1})};
  EXPECT_THROW(store.add_samples("u1", batch), Error);  // position 1 is taken
  EXPECT_THAT(store.sample_indexes("u1"), ElementsAre(1U));
}

TEST(Store, MeasurementsKeepRepetitionsAndReasons) {
  const TempFolder folder;
  Store store = Store::open(folder / "s.db");
  store.replace_plan(small_plan());
  store.add_measurements(
      "u3",
      std::vector<MeasurementRecord>{{"decode", "ms/token", 0, 5.5, ""},
                                     {"decode", "ms/token", 1, 5.25, ""},
                                     {"peak_memory", "bytes", 0, {}, "no /proc"}});
  const auto rows = store.measurements("u3");
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[1].value, 5.25);
  EXPECT_EQ(rows[2].value, std::nullopt);
  EXPECT_EQ(rows[2].reason, "no /proc");
}

TEST(Store, WhatIsThereIsCountedByUnit) {
  Store store = Store::in_memory();
  store.replace_plan(small_plan());
  EXPECT_THAT(store.sample_counts(), IsEmpty());
  EXPECT_THAT(store.measured_units(), IsEmpty());
  store.add_samples("u2", std::vector{sample(0, {}), sample(2, {})});
  store.add_samples("u1", std::vector{sample(1, {})});
  store.add_measurements("u3",
                         std::vector<MeasurementRecord>{{"decode", "ms/token", 0, 5.0, ""},
                                                        {"decode", "ms/token", 1, 6.0, ""}});
  EXPECT_THAT(store.sample_counts(), ElementsAre(Pair("u1", 1U), Pair("u2", 2U)));
  EXPECT_THAT(store.measured_units(), ElementsAre("u3"));
}

TEST(Store, SummariesAreReplacedAsAWhole) {
  const TempFolder folder;
  Store store = Store::open(folder / "s.db");
  store.replace_plan(small_plan());
  SummaryRecord first{"u1", "acc", 3, 1, 0.5, 0.25, 0.75, {}};
  SummaryRecord second{
      "u2", "acc", 3, 0, 0.25, {}, {}, ComparisonRecord{-0.25, -0.5, 0, 0.04, 0.08, 3, 1, 0}};
  store.replace_summaries(std::vector{first, second});
  store.replace_summaries(std::vector{second});
  const auto rows = store.summaries();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].value, 0.25);
  EXPECT_EQ(rows[0].low, std::nullopt);
  ASSERT_TRUE(rows[0].comparison);
  EXPECT_EQ(rows[0].comparison->p_adjusted, 0.08);
  EXPECT_EQ(rows[0].comparison->lost, 1U);
  EXPECT_EQ(rows[0].comparison->gained, 0U);
}

TEST(Store, ConditionsNotesAndFailuresComeBack) {
  const TempFolder folder;
  Store store = Store::open(folder / "s.db");
  store.replace_plan(small_plan());
  store.replace_conditions(
      std::vector<Condition>{{"model hash", "abc", true}, {"machine", "here", false}});
  store.replace_notes(std::vector<std::string>{"second", "first"});
  store.add_failure({"u2", "no memory"});
  EXPECT_EQ(store.conditions()[1].value, "abc");
  EXPECT_TRUE(store.conditions()[1].binding);
  EXPECT_THAT(store.notes(), ElementsAre("second", "first"));
  EXPECT_EQ(store.failures().front().message, "no memory");
  store.replace_plan(small_plan());  // a new attempt
  EXPECT_THAT(store.failures(), IsEmpty());
}

TEST(Store, AnotherVersionIsRefusedWithBothNumbers) {
  const TempFolder folder;
  Store::open(folder / "s.db");
  Database::open(folder / "s.db", Database::Mode::kCreate).execute("PRAGMA user_version = 77");
  for (const auto open : {&Store::open, &Store::open_read_only}) {
    try {
      open(folder / "s.db");
      FAIL() << "opened a store of version 77";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kMismatch);
      EXPECT_THAT(error.what(), HasSubstr("version 77"));
      EXPECT_THAT(error.what(), HasSubstr(fmt::format("writes version {}", kSchemaVersion)));
    }
  }
}

TEST(Store, AStoreWithoutOneOfItsTablesIsDamaged) {
  const TempFolder folder;
  { Store::open(folder / "s.db"); }
  Database::open(folder / "s.db", Database::Mode::kCreate).execute("DROP TABLE conditions");
  for (const auto open : {&Store::open, &Store::open_read_only}) {
    try {
      open(folder / "s.db");
      FAIL() << "opened a store without conditions";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kCorruptData);
      EXPECT_THAT(error.what(), HasSubstr("the table 'conditions' is missing"));
    }
  }
}

TEST(Store, ATableOfOtherColumnsIsDamageToo) {
  const TempFolder folder;
  { Store::open(folder / "s.db"); }
  Database::open(folder / "s.db", Database::Mode::kCreate)
      .execute("ALTER TABLE conditions RENAME COLUMN binding TO bond");
  const Store store = Store::open(folder / "s.db");
  try {
    static_cast<void>(store.conditions());
    FAIL() << "read a column that is not there";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorruptData);
    EXPECT_THAT(error.what(), HasSubstr("no such column: binding; the store is damaged"));
  }
}

TEST(Store, AForeignDatabaseIsRefusedAndLeftAlone) {
  const TempFolder folder;
  Database::open(folder / "s.db", Database::Mode::kCreate).execute("CREATE TABLE mine (a)");
  const std::string before = nibble::testing::read_file(folder / "s.db");
  try {
    Store::open(folder / "s.db");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorruptData);
    EXPECT_THAT(error.what(), HasSubstr("not a store"));
  }
  EXPECT_EQ(nibble::testing::read_file(folder / "s.db"), before);
}

TEST(Store, ReadingAMissingStoreMakesNone) {
  const TempFolder folder;
  try {
    Store::open_read_only(folder / "none.db");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "none.db"));
}

TEST(Store, ASnapshotStaysWhatItWas) {
  const TempFolder folder;
  Store writer = Store::open(folder / "s.db");
  writer.replace_plan(small_plan());
  const Store reader = Store::open_read_only(folder / "s.db");
  {
    const Snapshot snapshot(reader);
    EXPECT_THAT(reader.sample_counts(), IsEmpty());
    writer.add_samples("u1", std::vector{sample(0, {})});
    EXPECT_THAT(reader.sample_counts(), IsEmpty());
  }
  EXPECT_EQ(reader.sample_counts().size(), 1U);
}

TEST(Store, ReadersSeeWhatAWriterHasCommitted) {
  const TempFolder folder;
  Store writer = Store::open(folder / "s.db");
  writer.replace_plan(small_plan());
  const Store reader = Store::open_read_only(folder / "s.db");
  writer.add_samples("u1", std::vector{sample(0, ScoreRecord::Ratio{1, 1})});
  EXPECT_THAT(reader.sample_indexes("u1"), ElementsAre(0U));
  EXPECT_THROW(Store::open_read_only(folder / "s.db").replace_notes({}), Error);
}

}  // namespace
}  // namespace nibble::store
