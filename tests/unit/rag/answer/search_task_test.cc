#include "rag/answer/search_task.h"

#include <gmock/gmock.h>

#include <cmath>

#include "base/error.h"

namespace nibble::rag {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::shared_ptr<const QuestionSet> small_set() {
  QuestionSet set{.name = "s", .data_hash = "d"};
  set.passages.resize(20);
  set.questions = {
      {.id = "q0", .question = "who?", .answers = {"x"}, .offers = {{3, true}, {4}}},
      {.id = "q1", .question = "none?", .answers = {"x"}, .offers = {{5, false}}},
      {.id = "q2", .question = "both?", .answers = {"x"}, .offers = {{1, true}, {2, true}}}};
  return std::make_shared<QuestionSet>(std::move(set));
}

eval::SampleScores scores(const SearchTask& task, std::size_t index, const std::string& found) {
  const eval::Response response = eval::GenerationResponse{found};
  return task.score(task.sample(index), {&response, 1}).scores;
}

TEST(SearchTask, AsksTheQuestionsForPassages) {
  const std::vector<std::size_t> asked = {2, 0};
  const SearchTask task(small_set(), asked, 2);
  EXPECT_EQ(task.info().name, "s search for 2");
  EXPECT_EQ(task.info().context->mode, kSearchMode);
  EXPECT_EQ(task.n_samples(), 2U);
  EXPECT_EQ(task.sample(0).id, "q2");
  EXPECT_EQ(task.sample(0).prompt, "both?");
  EXPECT_EQ(task.sample(0).target, "1 2");
  EXPECT_EQ(passages_wanted(task.info()), 10U) << "nDCG looks at ten";
  EXPECT_EQ(passages_wanted(SearchTask(small_set(), asked, 15).info()), 15U);
  const std::vector<std::size_t> others = {2, 1};
  EXPECT_NE(task.info().data_hash, SearchTask(small_set(), others, 2).info().data_hash);
}

TEST(SearchTask, ScoresWorkedByHand) {
  const std::vector<std::size_t> asked = {0, 1, 2};
  const SearchTask task(small_set(), asked, 2);
  const auto third = scores(task, 0, "9 8 3");
  EXPECT_DOUBLE_EQ(third.at("ndcg@10")->sum, 1 / std::log2(4.0));
  EXPECT_DOUBLE_EQ(third.at("recall@2")->sum, 0) << "third of two";
  EXPECT_DOUBLE_EQ(third.at("mrr@10")->sum, 1.0 / 3);
  const auto both = scores(task, 2, "1 7 2");
  EXPECT_DOUBLE_EQ(both.at("recall@2")->sum, 0.5);
  EXPECT_DOUBLE_EQ(both.at("ndcg@10")->sum, (1 + 1 / std::log2(4.0)) / (1 + 1 / std::log2(3.0)));
  EXPECT_DOUBLE_EQ(scores(task, 0, "").at("recall@2")->sum, 0) << "nothing found";
  EXPECT_THAT(scores(task, 1, "5"), IsEmpty()) << "nothing to find";
}

TEST(SearchTask, ASetWithoutPassagesIsRefused) {
  const auto set = std::make_shared<QuestionSet>(QuestionSet{.name = "alone"});
  try {
    SearchTask(set, {}, 2);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("alone: the set has questions alone"));
  }
}

TEST(FoundText, ReadsWhatItWrites) {
  const std::vector<std::size_t> numbers = {3, 17, 2};
  EXPECT_EQ(found_text(numbers), "3 17 2");
  EXPECT_THAT(parse_found("3 17 2").take(), ElementsAre(3U, 17U, 2U));
  EXPECT_THAT(parse_found("").take(), IsEmpty());
  for (const char* wrong : {"3,4", "x", "3 ", "-1", "3  4", " 3"}) {
    EXPECT_FALSE(parse_found(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace nibble::rag
