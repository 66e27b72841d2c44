#include "study/search/search_runner.h"

#include <gmock/gmock.h>

#include <numeric>

#include "base/error.h"
#include "rag/answer/search_task.h"
#include "store/database.h"
#include "study/run.h"
#include "unit/rag/tiny_encoder.h"
#include "unit/study/fakes.h"

namespace nibble::study {
namespace {

using ::testing::IsEmpty;

/// Two retrievers over a set of forty questions, behind a model that is none.
class SearchRunnerTest : public ::testing::Test {
 protected:
  SearchRunnerTest() {
    rag::QuestionSet set{.name = "pets", .data_hash = "d"};
    for (std::size_t i = 0; i < 40; ++i) {
      const char letter = static_cast<char>('a' + i % 26);
      set.passages.push_back({"", fmt::format("{0} {0} {1}", letter, i % 3 == 0 ? "cat" : "dog")});
      set.questions.push_back({.id = fmt::format("q{}", i),
                               .question = fmt::format("{} {}", letter, i),
                               .answers = {"x"},
                               .offers = {{i, true}}});
    }
    set_ = std::make_shared<rag::QuestionSet>(std::move(set));
    std::vector<std::size_t> asked(40);
    std::iota(asked.begin(), asked.end(), std::size_t{0});
    const auto task = std::make_shared<rag::SearchTask>(set_, asked, 3);
    inputs_.searches = {
        std::make_shared<StudySearch>(
            StudySearch{"words over pets", {}, "", set_, {{task, {"a"}}}}),
        std::make_shared<StudySearch>(StudySearch{"mini over pets",
                                                  {.encoder = encoder_.path(),
                                                   .weights = {.codec = "int8g32s"},
                                                   .search = {.mode = rag::SearchMode::kDense}},
                                                  "hash",
                                                  set_,
                                                  {{task, {"b"}}}})};
    spec_.measure.reset();
    plan_ = make_plan(spec_, inputs_);
  }

  void run(store::Store& store, FakeRunner& models, const std::filesystem::path& folder) {
    SearchRunner runner(models, folder, pool_);
    enter_plan(store, plan_, spec_, "study.db");
    EXPECT_THAT(run_plan(store, plan_, spec_, runner, silent_progress()), IsEmpty());
  }
  std::string answers(const store::Store& store) const {
    std::string out;
    for (const store::UnitRecord& unit : plan_.units) {
      for (const std::size_t index : store.sample_indexes(unit.id)) {
        out += store.sample(unit.id, index)->answer + "\n";
      }
    }
    for (const store::SummaryRecord& row : store.summaries()) {
      out += fmt::format("{} {} {}\n", row.unit, row.metric, row.value.value_or(-1));
    }
    return out;
  }
  const store::UnitRecord& unit(std::string_view variant, bool is_speed) const {
    const auto found = std::ranges::find(
        plan_.variants, variant, [](const PlannedVariant& row) { return row.record.name; });
    return *std::ranges::find_if(plan_.units, [&](const store::UnitRecord& row) {
      return row.variant == found->record.id && row.task.empty() == is_speed;
    });
  }

  rag::testing::TinyEncoder encoder_;
  nibble::testing::TempFolder folder_;
  ThreadPool pool_{2};
  std::shared_ptr<const rag::QuestionSet> set_;
  Spec spec_ = fake_spec();
  PlanInputs inputs_ = fake_inputs();
  StudyPlan plan_;
};

TEST_F(SearchRunnerTest, SearchesOnceAndStoresWhatItCost) {
  store::Store store = store::Store::in_memory();
  FakeRunner models;
  run(store, models, folder_ / "i");
  EXPECT_EQ(models.n_answered, 160U) << "models are asked by the runner behind";
  const store::UnitRecord& search = unit("words over pets", false);
  ASSERT_EQ(store.sample_indexes(search.id).size(), 40U);
  EXPECT_EQ(store.sample(search.id, 1)->answer, "1 27") << "b, and the other passage with it";
  EXPECT_DOUBLE_EQ(store.scores(search.id, "recall@3").at(27).ratio->sum, 1);
  EXPECT_DOUBLE_EQ(store.scores(search.id, "mrr@10").at(27).ratio->sum, 0.5);
  const auto rows = store.measurements(unit("mini over pets", true).id);
  EXPECT_EQ(std::ranges::count(rows, "search", &store::MeasurementRecord::name), 40);
  EXPECT_GT(std::ranges::find(rows, "encoder_memory", &store::MeasurementRecord::name)->value, 0);
  const auto words = store.measurements(unit("words over pets", true).id);
  EXPECT_EQ(std::ranges::find(words, "encoder_memory", &store::MeasurementRecord::name)->reason,
            "no encoder");
  for (const store::VariantRecord& variant : store.plan().variants) {
    if (variant.recipe_name == store::kRetrieverRecipe) {
      EXPECT_TRUE(variant.facts->cost) << variant.name;
    }
  }
  bool is_compared = false;
  for (const store::SummaryRecord& row : store.summaries()) {
    is_compared = is_compared || (row.unit == unit("mini over pets", false).id && row.comparison);
    EXPECT_FALSE(row.unit == search.id && row.comparison) << "the first retriever";
  }
  EXPECT_TRUE(is_compared) << "with the first retriever";
}

TEST_F(SearchRunnerTest, AStoppedStudyGoesOnToTheSameAnswers) {
  store::Store whole = store::Store::in_memory();
  FakeRunner models;
  run(whole, models, folder_ / "whole");

  store::Store stopped = store::Store::in_memory();
  // Of the first retriever a batch, of the second one an index without some vectors.
  const store::UnitRecord& search = unit("words over pets", false);
  enter_plan(stopped, plan_, spec_, "study.db");
  std::vector<store::SampleRecord> first;
  for (std::size_t i = 0; i < 32; ++i) {
    first.push_back(*whole.sample(search.id, i));
  }
  stopped.add_samples(search.id, first);
  const auto& mini = plan_.variants.back();
  std::filesystem::create_directories(folder_ / "stopped");
  const auto file = folder_ / "stopped" / (mini.record.id.substr(0, 16) + ".rag");
  { const rag::SetSearch begun(*set_, mini.search->settings, file, pool_, silent_progress()); }
  store::Database::open(file, store::Database::Mode::kCreate)
      .execute("UPDATE passages SET vector = NULL WHERE id % 2 = 0");
  FakeRunner others;
  run(stopped, others, folder_ / "stopped");
  EXPECT_EQ(answers(stopped), answers(whole));
  EXPECT_FALSE(stopped.plan().variants.back().facts->cost) << "made in two runs";
}

TEST_F(SearchRunnerTest, AFailingRetrieverEndsTheStudy) {
  StudySearch lost = *inputs_.searches[1];
  lost.settings.encoder = folder_ / "nowhere";
  inputs_.searches[1] = std::make_shared<StudySearch>(lost);
  plan_ = make_plan(spec_, inputs_);
  store::Store store = store::Store::in_memory();
  FakeRunner models;
  SearchRunner runner(models, folder_ / "i", pool_);
  enter_plan(store, plan_, spec_, "study.db");
  EXPECT_THROW(run_plan(store, plan_, spec_, runner, silent_progress()), Error);
  EXPECT_EQ(models.n_answered, 0U);
}

}  // namespace
}  // namespace nibble::study
