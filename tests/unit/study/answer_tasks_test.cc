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
