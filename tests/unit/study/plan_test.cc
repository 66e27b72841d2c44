#include "study/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "base/error.h"
#include "fakes.h"
#include "rag/answer/search_task.h"
#include "support/files.h"

namespace nibble::study {
namespace {

using ::testing::HasSubstr;

std::set<std::string> unit_ids(const Spec& spec, const PlanInputs& inputs) {
  std::set<std::string> ids;
  for (const store::UnitRecord& unit : make_plan(spec, inputs).units) {
    ids.insert(unit.id);
  }
  return ids;
}

std::size_t n_shared(const std::set<std::string>& a, const std::set<std::string>& b) {
  std::vector<std::string> both;
  std::ranges::set_intersection(a, b, std::back_inserter(both));
  return both.size();
}

TEST(Plan, OtherCalibrationTextIsAnotherVariant) {
  const nibble::testing::TempFolder folder;
  nibble::testing::write_file(folder / "cal.toml",
                              "name = 'cal'\n[calibration]\nsource = 'text.txt'\nwindows = 1\n"
                              "window_tokens = 8\n[[stage]]\nsolve = 'gptq'\n"
                              "scheme = { default = 'int4g128a' }\n");
  Spec spec = fake_spec();
  spec.variants.back().recipe = (folder / "cal.toml").string();
  PlanInputs inputs = fake_inputs();
  inputs.calibration_hash = [](const quant::Recipe&) { return "tokens"; };
  const std::string first = make_plan(spec, inputs).variants.back().record.id;
  EXPECT_EQ(make_plan(spec, inputs).variants.back().record.id, first);
  inputs.calibration_hash = [](const quant::Recipe&) { return "other tokens"; };
  EXPECT_NE(make_plan(spec, inputs).variants.back().record.id, first);
}

TEST(Plan, HasAUnitForEachVariantAndTaskAndOneForSpeed) {
  const StudyPlan plan = make_plan(fake_spec(), fake_inputs());
  ASSERT_EQ(plan.units.size(), 6U);
  EXPECT_EQ(plan.units[0].task, "");
  EXPECT_THAT(plan.units[0].settings, HasSubstr("128 prompt tokens"));
  EXPECT_EQ(plan.units[1].task, plan.tasks[0].record.id);
  EXPECT_EQ(plan.units[3].variant, plan.variants[1].record.id);
  EXPECT_EQ(plan.variants[0].record.recipe_name, "none");
  EXPECT_FALSE(plan.variants[0].recipe);
  EXPECT_FALSE(plan.variants[1].record.recipe_text.empty());
  EXPECT_EQ(unit_ids(fake_spec(), fake_inputs()).size(), 6U);
}

TEST(Plan, IdsDoNotDependOnNamesOrPlaces) {
  Spec renamed = fake_spec();
  renamed.name = "other";
  renamed.output = "/elsewhere";
  renamed.variants[1].name = "four bits";
  EXPECT_EQ(unit_ids(fake_spec(), fake_inputs()), unit_ids(renamed, fake_inputs()));
}

TEST(Plan, EveryChangedInputGivesOtherUnits) {
  const auto before = unit_ids(fake_spec(), fake_inputs());
  const auto n_kept = [&](const std::function<void(Spec&, PlanInputs&)>& change) {
    Spec spec = fake_spec();
    PlanInputs inputs = fake_inputs();
    change(spec, inputs);
    return n_shared(before, unit_ids(spec, inputs));
  };
  EXPECT_EQ(n_kept([](Spec&, PlanInputs& i) { i.source.weights_hash = "other"; }), 0U);
  EXPECT_EQ(n_kept([](Spec&, PlanInputs& i) { i.program_version = "0.2.0"; }), 0U);
  EXPECT_EQ(n_kept([](Spec&, PlanInputs& i) { ++i.numerics_revision; }), 0U);
  EXPECT_EQ(n_kept([](Spec& s, PlanInputs&) { s.arithmetic = Arithmetic::kF32; }), 0U);
  EXPECT_EQ(n_kept([](Spec&, PlanInputs& i) { i.source.tokenizer_hash = "other"; }), 2U);
  EXPECT_EQ(n_kept([](Spec& s, PlanInputs&) { s.variants[1].recipe = "rtn-int8"; }), 3U);
  EXPECT_EQ(n_kept([](Spec& s, PlanInputs&) {
              s.variants[1].kv = codec::kv_scheme_from_name("int8").take();
            }),
            3U);
  EXPECT_EQ(n_kept([](Spec& s, PlanInputs&) { s.measure->repetitions = 9; }), 4U);
  EXPECT_EQ(n_kept([](Spec& s, PlanInputs&) { s.measure->batches = {1, 2}; }), 4U);
  EXPECT_EQ(n_kept([](Spec& s, PlanInputs&) { s.device = "cuda:0"; }), 0U);
  EXPECT_EQ(n_kept([](Spec& s, PlanInputs&) { s.device_spec.per_hour = 1; }), 6U);
  EXPECT_EQ(n_kept([](Spec& s, PlanInputs&) { s.threads = 1; }), 4U);
  EXPECT_EQ(n_kept([](Spec&, PlanInputs& i) { i.host.n_processors = 1; }), 4U);
  EXPECT_EQ(n_kept([](Spec&, PlanInputs& i) { i.kernels = "avx512"; }), 4U);
  EXPECT_EQ(n_kept([](Spec& s, PlanInputs&) { s.threads = 2; }), 6U);  // all there are
  EXPECT_EQ(n_kept([](Spec&, PlanInputs& i) {
              i.tasks[0] = std::make_shared<FakeTask>("a", 70, "data", "asks twice");
            }),
            4U);
  EXPECT_EQ(n_kept([](Spec&, PlanInputs& i) { i.tasks[0] = std::make_shared<FakeTask>("a", 71); }),
            4U);
  EXPECT_EQ(
      n_kept([](Spec&, PlanInputs& i) { i.tasks[0] = std::make_shared<FakeTask>("a", 70, "new"); }),
      4U);
}

std::string condition(const StudyPlan& plan, std::string_view key) {
  const auto found = std::ranges::find(plan.conditions, key, &store::Condition::key);
  return found != plan.conditions.end() ? found->value : "";
}

TEST(Plan, ConditionsNameTheRevisionOfTheNumbersTheThreadsAndTheStatistics) {
  PlanInputs inputs = fake_inputs();
  inputs.numerics_revision = 7;
  const StudyPlan plan = make_plan(fake_spec(), inputs);
  EXPECT_EQ(condition(plan, "program"), "nibble 0.1.0, numbers of revision 7");
  EXPECT_EQ(condition(plan, "kernels"), "generic");
  EXPECT_EQ(condition(plan, "threads"), "2 of 2");
  EXPECT_THAT(plan.units[0].settings, HasSubstr("2 threads"));
  EXPECT_EQ(condition(plan, "statistics"),
            "95 % intervals and p-values from 10000 resamples of samples, seed 1234; Holm's "
            "correction");
}

TEST(Plan, ConditionsNameTheHardwareAndThePriceWhereTheyAreKnown) {
  Spec spec = fake_spec();
  PlanInputs inputs = fake_inputs();
  EXPECT_EQ(condition(make_plan(spec, inputs), "hardware"), "");
  EXPECT_EQ(condition(make_plan(spec, inputs), "device"), "");
  inputs.hardware = profile::find_hardware(profile::builtin_hardware(), "T4").take();
  inputs.sensors = "none: no sensor";
  spec.device = "cuda:0";
  spec.device_spec.per_kwh = 0.25;
  const StudyPlan plan = make_plan(spec, inputs);
  EXPECT_THAT(condition(plan, "hardware"), HasSubstr("NVIDIA T4"));
  EXPECT_EQ(condition(plan, "rated power W"), "70");
  EXPECT_EQ(condition(plan, "nominal bandwidth GB/s"), "320");
  EXPECT_EQ(condition(plan, "price per kWh"), "0.25");
  EXPECT_EQ(condition(plan, "price per hour"), "");
  EXPECT_EQ(condition(plan, "currency"), "USD");
  EXPECT_EQ(condition(plan, "energy sensors"), "none: no sensor");
  EXPECT_EQ(condition(plan, "device"), "cuda:0");
  EXPECT_EQ(condition(plan, "device memory"), "");
  spec.device_spec.power_w = 65;
  EXPECT_EQ(condition(make_plan(spec, inputs), "rated power W"), "65");
}

/// Speeds of a model that is copied in passing are measured anew; answers are the same.
TEST(Plan, ALimitOfTheDevicesMemoryBelongsToSpeedsAlone) {
  Spec spec = fake_spec();
  spec.device = "cuda:0";
  spec.measure = profile::Options{};
  const StudyPlan whole = make_plan(spec, fake_inputs());
  spec.device_memory = 6'000'000'000;
  const StudyPlan limited = make_plan(spec, fake_inputs());
  EXPECT_EQ(condition(limited, "device memory"), "6.00 GB");
  ASSERT_EQ(whole.units.size(), limited.units.size());
  for (std::size_t i = 0; i < whole.units.size(); ++i) {
    const bool is_speed = whole.units[i].task.empty();
    EXPECT_EQ(whole.units[i].id == limited.units[i].id, !is_speed) << i;
    if (is_speed) {
      EXPECT_THAT(limited.units[i].settings, HasSubstr("on cuda:0, 6.00 GB of its memory"));
    }
  }
}

/// A retriever over a set, whose questions the task "a" asks.
std::shared_ptr<const StudySearch> fake_search(const std::string& name, double k1 = 0.9) {
  rag::QuestionSet set{.name = "s", .data_hash = "d"};
  set.passages.resize(3);
  set.questions = {{.id = "q"}};
  const auto shared = std::make_shared<rag::QuestionSet>(std::move(set));
  const std::vector<std::size_t> asked = {0};
  StudySearch out{name, {}, "", shared, {}};
  out.settings.search.bm25.k1 = k1;
  out.searches.push_back({std::make_shared<rag::SearchTask>(shared, asked, 2), {"a"}});
  return std::make_shared<StudySearch>(std::move(out));
}

TEST(Plan, RetrieversAreVariantsBehindTheModels) {
  PlanInputs inputs = fake_inputs();
  const auto before = unit_ids(fake_spec(), inputs);
  inputs.searches = {fake_search("one"), fake_search("two", 0.5)};
  const StudyPlan plan = make_plan(fake_spec(), inputs);
  ASSERT_EQ(plan.variants.size(), 4U);
  EXPECT_EQ(plan.variants[2].record.recipe_name, store::kRetrieverRecipe);
  ASSERT_EQ(plan.units.size(), 10U);
  EXPECT_EQ(n_shared(before, unit_ids(fake_spec(), inputs)), 6U) << "models are as before";
  ASSERT_EQ(plan.tasks.size(), 3U) << "both search for the same questions";
  EXPECT_EQ(plan.tasks[2].record.name, "s search for 2");
  EXPECT_EQ(plan.tasks[0].reads, plan.units[9].id);
  EXPECT_EQ(plan.tasks[1].reads, "");
  EXPECT_THAT(condition(plan, "retriever two"), HasSubstr("bm25 (k1 0.5"));
  const auto lines = plan_lines(plan, store::Store::in_memory());
  EXPECT_THAT(lines[0], HasSubstr("0 of 80 samples stored"));
  EXPECT_THAT(lines[3], HasSubstr("0 of 1 samples stored, speed to measure"));
  inputs.searches[1] = fake_search("two");
  EXPECT_THROW(make_plan(fake_spec(), inputs), Error) << "they do the same";
}

TEST(Plan, TwoRecipesThatDoTheSameAreRefused) {
  Spec spec = fake_spec();
  spec.variants.push_back({"again", "rtn-int4"});
  try {
    make_plan(spec, fake_inputs());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.what(), HasSubstr("'int4' and 'again'"));
  }
}

TEST(Plan, AnUnknownRecipeIsNotFound) {
  Spec spec = fake_spec();
  spec.variants[1].recipe = "rtn-int44";
  try {
    make_plan(spec, fake_inputs());
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_THAT(error.what(), HasSubstr("rtn-int4"));
  }
}

TEST(Plan, LinesSayWhatIsStored) {
  store::Store store = store::Store::in_memory();
  const StudyPlan plan = make_plan(fake_spec(), fake_inputs());
  store.replace_plan(plan.record());
  store.add_samples(plan.units[1].id, std::vector<store::SampleRecord>{{0, "s", "", "", "", {}}});
  const auto lines = plan_lines(plan, store);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_THAT(lines[0], HasSubstr("1 of 80 samples stored, speed to measure"));
  EXPECT_THAT(lines[1], HasSubstr("rtn-int4"));
}

TEST(Plan, LinesHaveColumnsHoweverLongANameIs) {
  StudyPlan plan = make_plan(fake_spec(), fake_inputs());
  plan.variants[1].record.name = "gptq-4bit-g128-by-activation";
  const auto lines = plan_lines(plan, store::Store::in_memory());
  EXPECT_NE(lines[0].find(" 0 of "), std::string::npos);
  EXPECT_EQ(lines[0].find(" 0 of "), lines[1].find(" 0 of "));
}

}  // namespace
}  // namespace nibble::study
