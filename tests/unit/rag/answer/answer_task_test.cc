#include "rag/answer/answer_task.h"

#include <gmock/gmock.h>

#include <set>

#include "unit/eval/fake_tokenizer.h"

namespace nibble::rag {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::shared_ptr<QuestionSet> ten_questions() {
  auto set = std::make_shared<QuestionSet>();
  set->name = "ten";
  set->data_hash = "h";
  for (std::size_t i = 0; i < 10; ++i) {
    set->passages.push_back({"T", "Answer " + std::string(10 * i + 1, 'x') + "."});
    set->questions.push_back({.id = std::to_string(i),
                              .question = "What?",
                              .answers = {"yes " + std::to_string(i)},
                              .offers = {{i, true}}});
  }
  return set;
}

class AnswerTaskTest : public ::testing::Test {
 protected:
  AnswerTask task(const ContextSettings& context, const QuestionChoice& choice) {
    return {
        set_, {.tokenizer = tokenizer_, .prompt = prompt_, .model_context = 1000}, context, choice};
  }
  std::shared_ptr<QuestionSet> set_ = ten_questions();
  eval::FakeTokenizer tokenizer_;
  PromptSettings prompt_;
};

TEST_F(AnswerTaskTest, AsksForOneLine) {
  const AnswerTask one = task({}, {.limit = 2, .is_shuffled = false});
  EXPECT_EQ(one.n_samples(), 2U);
  const eval::Sample sample = one.sample(1);
  EXPECT_EQ(sample.id, "1");
  EXPECT_EQ(sample.target, "yes 1");
  const auto& request = std::get<eval::GenerationRequest>(sample.requests.at(0));
  EXPECT_EQ(request.prompt, sample.prompt);
  EXPECT_EQ(request.stop, std::vector<std::string>{"\n"});
  EXPECT_EQ(request.max_tokens, 32U);
  EXPECT_EQ(one.info().metrics.front().name, "f1");
  EXPECT_EQ(one.info().data_hash, "h");
}

TEST_F(AnswerTaskTest, ShufflesByASeedAndAsksEveryQuestionOnce) {
  const AnswerTask shuffled = task({}, {});
  std::set<std::string> ids;
  std::string order;
  for (std::size_t i = 0; i < shuffled.n_samples(); ++i) {
    ids.insert(shuffled.sample(i).id);
    order += shuffled.sample(i).id;
  }
  EXPECT_EQ(ids.size(), 10U);
  EXPECT_NE(order, "0123456789");
  EXPECT_EQ(task({}, {.limit = 1}).sample(0).id, order.substr(0, 1));
}

TEST_F(AnswerTaskTest, LeavesOutWhatDoesNotFitInEveryMode) {
  const std::size_t least = task({}, {.is_shuffled = false}).context(4).tokens.tokens.size();
  for (const ContextMode mode : {ContextMode::kGold, ContextMode::kOracle, ContextMode::kClosed}) {
    const AnswerTask fitting = task({.mode = mode}, {.is_shuffled = false, .least_budget = least});
    EXPECT_EQ(fitting.n_samples(), 5U);
    EXPECT_EQ(fitting.n_left_out(), 5U);
    EXPECT_THAT(fitting.info().protocol, HasSubstr("5 of 10 left out as too long"));
  }
  EXPECT_THROW(task({}, {.least_budget = 10}), Error);
}

TEST_F(AnswerTaskTest, ScoresAgainstTheQuestionsOwnAnswers) {
  const AnswerTask one = task({}, {.is_shuffled = false});
  const std::vector<eval::Response> right = {eval::GenerationResponse{.text = " Yes 3\nmore"}};
  EXPECT_EQ(one.score(one.sample(3), right).scores.at("exact_match")->sum, 1);
  EXPECT_EQ(one.score(one.sample(3), right).answer, "Yes 3");
  EXPECT_EQ(one.score(one.sample(4), right).scores.at("exact_match")->sum, 0);
}

TEST_F(AnswerTaskTest, NoFiniteLogitsAreNoAnswer) {
  const AnswerTask one = task({}, {});
  const std::vector<eval::Response> none = {
      eval::GenerationResponse{.text = "", .is_answered = false}};
  for (const auto& [metric, score] : one.score(one.sample(0), none).scores) {
    EXPECT_FALSE(score.has_value()) << metric;
  }
}

TEST_F(AnswerTaskTest, CountsCitationsOfTheDocumentsAsTheyStand) {
  prompt_.asks_citations = true;
  const AnswerTask one = task({.n_documents = 3, .gold_slot = 2}, {.is_shuffled = false});
  const std::vector<eval::Response> third = {eval::GenerationResponse{.text = "yes [3]"}};
  const std::vector<eval::Response> first = {eval::GenerationResponse{.text = "yes [1]"}};
  EXPECT_EQ(one.score(one.sample(0), third).scores.at("citation_precision")->sum, 1);
  EXPECT_EQ(one.score(one.sample(0), first).scores.at("citation_precision")->sum, 0);
}

TEST_F(AnswerTaskTest, WithoutGoldThereIsNothingToMeasure) {
  set_->questions[1].offers = {{0, false}};
  const AnswerTask looking(
      set_,
      {.tokenizer = tokenizer_, .model_context = 1000, .measures_attention = true},
      {},
      {.is_shuffled = false});
  EXPECT_TRUE(std::holds_alternative<eval::EvidenceRequest>(looking.sample(0).requests.at(0)));
  EXPECT_TRUE(std::holds_alternative<eval::GenerationRequest>(looking.sample(1).requests.at(0)));
  const std::vector<eval::Response> plain = {eval::GenerationResponse{.text = "x"}};
  const auto result = looking.score(looking.sample(1), plain);
  EXPECT_FALSE(result.scores.at("attention_p1").has_value());
  EXPECT_TRUE(result.scores.at("f1").has_value());
  EXPECT_EQ(result.attention, "");
}

TEST_F(AnswerTaskTest, NamesSayWhatIsAsked) {
  EXPECT_EQ(task({}, {}).info().name, "ten");
  EXPECT_EQ(task({.n_documents = 5, .gold_slot = 4}, {}).info().name, "ten gold 4 of 5");
  EXPECT_EQ(task({.mode = ContextMode::kRetrieved, .budget = 512}, {}).info().name,
            "ten retrieved@512");
}

TEST_F(AnswerTaskTest, AGridAsksTheSameQuestionsForEachBudgetAndSlot) {
  const std::size_t least = task({}, {.is_shuffled = false}).context(4).tokens.tokens.size();
  const auto tasks = answer_tasks(set_,
                                  {.tokenizer = tokenizer_, .model_context = 1000},
                                  {.budgets = {900, least}, .slots = {0, 1}},
                                  {.is_shuffled = false});
  std::vector<std::string> names;
  for (const auto& one : tasks) {
    names.push_back(one->info().name);
    EXPECT_EQ(one->n_samples(), 5U);
  }
  const std::string short_ones = std::to_string(least);
  EXPECT_THAT(names,
              ElementsAre("ten gold 0@900",
                          "ten gold 1@900",
                          "ten gold 0@" + short_ones,
                          "ten gold 1@" + short_ones));
  const auto usual = answer_tasks(set_, {.tokenizer = tokenizer_, .model_context = 1000}, {}, {});
  ASSERT_EQ(usual.size(), 1U);
  EXPECT_EQ(usual.front()->info().name, "ten");
}

}  // namespace
}  // namespace nibble::rag
