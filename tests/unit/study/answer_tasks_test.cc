#include "study/answer_tasks.h"

#include <gmock/gmock.h>

#include "base/error.h"
#include "rag/answer/attention_record.h"
#include "support/files.h"
#include "unit/eval/fake_tokenizer.h"

namespace nibble::study {
namespace {

using nibble::testing::source_path;
using ::testing::HasSubstr;

class AnswerTasksTest : public ::testing::Test {
 protected:
  AnswerTasks make(const std::vector<RagSpec>& specs) {
    return AnswerTasks(specs, source_path("examples"), {tokenizer_, context_, template_});
  }
  std::string message_of(const std::vector<RagSpec>& specs) {
    try {
      make(specs);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  }
  eval::FakeTokenizer tokenizer_;  // a token a byte
  std::size_t context_ = 10'000;
  std::string template_;
};

TEST_F(AnswerTasksTest, ATaskForEachLengthAndPositionOverTheSameQuestions) {
  const auto made =
      make({{.set = "demo", .limit = 5, .lengths = {3000, 6000}, .positions = {0, 1}}});
  ASSERT_EQ(made.tasks().size(), 4U);
  EXPECT_EQ(made.tasks()[0]->info().name, "demo gold 0@3000");
  EXPECT_EQ(made.tasks()[3]->info().name, "demo gold 1@6000");
  for (const auto& task : made.tasks()) {
    for (std::size_t i = 0; i < 5; ++i) {
      EXPECT_EQ(task->sample(i).id, made.tasks()[0]->sample(i).id);
    }
  }
  const auto& context = made.tasks()[3]->info().context;
  ASSERT_TRUE(context);
  EXPECT_EQ(context->set, "demo");
  EXPECT_EQ(context->mode, "gold");
  EXPECT_EQ(context->budget, 6000U);
  EXPECT_EQ(context->gold_slot, 1U);
  EXPECT_EQ(context->n_documents, std::nullopt);
}

TEST_F(AnswerTasksTest, AttentionIsAskedForOnRequest) {
  const auto made = make({{.set = "demo", .limit = 1, .measures_attention = true},
                          {.set = "demo", .limit = 1, .mode = rag::ContextMode::kClosed}});
  EXPECT_TRUE(
      std::holds_alternative<eval::EvidenceRequest>(made.tasks()[0]->sample(0).requests.at(0)));
  EXPECT_TRUE(
      std::holds_alternative<eval::GenerationRequest>(made.tasks()[1]->sample(0).requests.at(0)));
}

TEST_F(AnswerTasksTest, PutsQuestionsThroughTheModelsTemplate) {
  const RagSpec chat{.set = "demo", .limit = 1, .is_chat = true};
  EXPECT_THAT(message_of({chat}),
              HasSubstr("[[rag]] demo: chat = true, but the model has no chat"));
  template_ = "<{{ messages[0].content }}>";
  const auto made = make({chat});
  EXPECT_TRUE(made.tasks()[0]->sample(0).prompt.ends_with("Answer:>"));
}

TEST_F(AnswerTasksTest, RefusesWhatCannotBe) {
  const RagSpec one{.set = "demo", .limit = 1};
  EXPECT_THAT(message_of({one, one}), HasSubstr("[[rag]] demo: two tasks are called 'demo'"));
  EXPECT_THAT(message_of({{.set = "demi"}}), HasSubstr("did you mean 'demo'?"));
  context_ = 500;
  EXPECT_THAT(message_of({{.set = "demo", .lengths = {512}}}),
              HasSubstr("wanted at most the model's context of 500"));
  EXPECT_THAT(message_of({{.set = "demo", .lengths = {100}}}),
              HasSubstr("none of 180 questions fits"));
}

TEST_F(AnswerTasksTest, ATaskForEachRetrieverOverTheSameQuestions) {
  const RagSpec spec{.set = "demo",
                     .limit = 4,
                     .mode = rag::ContextMode::kRetrieved,
                     .n_documents = 2,
                     .lengths = {3000, 6000},
                     .retrievers = {"words", "once"}};
  std::vector<RetrieverSpec> retrievers = {{"words"}, {"once"}};
  retrievers[1].settings.search.bm25.k1 = 0;
  const std::vector<RagSpec> specs = {spec};
  const AnswerTasks made(
      specs, source_path("examples"), {tokenizer_, context_, template_}, retrievers);
  ASSERT_EQ(made.tasks().size(), 4U);
  EXPECT_EQ(made.tasks()[0]->info().name, "demo retrieved by words of 2@3000");
  EXPECT_EQ(made.tasks()[3]->info().name, "demo retrieved by once of 2@6000");
  EXPECT_EQ(made.tasks()[0]->info().context->mode, "retrieved by words");
  EXPECT_THAT(made.tasks()[2]->info().protocol, HasSubstr("by bm25 (k1 0, b 0.4) over the"));
  const auto searches = made.searches();
  ASSERT_EQ(searches.size(), 2U);
  EXPECT_EQ(searches[1]->name, "once over demo");
  ASSERT_EQ(searches[1]->searches.size(), 1U) << "lengths have one search";
  const SearchedQuestions& asked = searches[1]->searches[0];
  EXPECT_EQ(asked.readers.size(), 2U);
  ASSERT_EQ(asked.task->n_samples(), 4U);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(asked.task->sample(i).id, made.tasks()[3]->sample(i).id);
  }

  PlanInputs inputs;
  inputs.tasks = made.tasks();
  inputs.searches = made.searches();
  Spec study;
  study.variants = {{"reference", "none"}};
  const StudyPlan plan = make_plan(study, inputs);
  store::Store store = store::Store::in_memory();
  store.replace_plan(plan.record());
  store.add_samples(
      plan.tasks[3].reads,
      std::vector<store::SampleRecord>{{0, "q", asked.task->sample(0).prompt, "", "7 9", {}}});
  made.read_found(store, plan);
  const auto& answering = dynamic_cast<const rag::AnswerTask&>(*made.tasks()[3]);
  const rag::Context context = answering.context(0);
  ASSERT_EQ(context.documents.size(), 2U);
  EXPECT_EQ(context.documents[0].passage.text, searches[1]->set->passages[7].text);
  EXPECT_EQ(context.documents[1].passage.text, searches[1]->set->passages[9].text);
  EXPECT_THROW(made.tasks()[3]->sample(1), Error) << "not searched for";
}

TEST_F(AnswerTasksTest, OptionalSetsWithoutTheirDataAreLeftOutAndNamed) {
  const auto made = make({{.set = "demo", .limit = 1}, {.set = "squad", .is_optional = true}});
  EXPECT_EQ(made.tasks().size(), 1U);
  ASSERT_EQ(made.left_out().size(), 1U);
  EXPECT_THAT(made.left_out()[0], HasSubstr("[[rag]] squad is left out: "));
  EXPECT_THAT(message_of({{.set = "squad"}}), HasSubstr("[[rag]] squad: "));
  EXPECT_THAT(message_of({{.set = "demi", .is_optional = true}}), HasSubstr("did you mean"));
}

TEST_F(AnswerTasksTest, ASetMayLieInAFolderOfItsOwn) {
  const auto made = AnswerTasks(
      std::vector<RagSpec>{{.set = "demo", .data = source_path("examples/demo"), .limit = 1}},
      "nowhere",
      {tokenizer_, context_, template_});
  EXPECT_EQ(made.tasks().size(), 1U);
}

TEST(ForceReferenceAnswers, GivesWhatTheReferenceSaid) {
  store::Store store = store::Store::in_memory();
  store.replace_plan({{{"v", "reference", "none", "", "", {}}},
                      {{"t", "demo", 1, "", "", 2, {}}},
                      {{"u", "v", "t", ""}}});
  rag::AttentionRecord record;
  record.answer = {7, 8};
  store::SampleRecord stored{1, "q", "", "", "", {}};
  stored.attention = rag::pack(record);
  store.add_samples("u", std::vector{stored});
  std::vector<eval::Sample> samples(3);
  for (std::size_t i = 0; i < 3; ++i) {
    samples[i].index = i;
    samples[i].requests.emplace_back(eval::EvidenceRequest{});
  }
  samples[2].requests[0] = eval::GenerationRequest{};
  force_reference_answers(samples, store, "u");
  EXPECT_TRUE(std::get<eval::EvidenceRequest>(samples[0].requests[0]).forced.empty());
  EXPECT_EQ(std::get<eval::EvidenceRequest>(samples[1].requests[0]).forced,
            (std::vector<std::int32_t>{7, 8}));
}

}  // namespace
}  // namespace nibble::study
