#include "rag/answer/context.h"

#include <gmock/gmock.h>

#include "unit/eval/fake_tokenizer.h"

namespace nibble::rag {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Six passages: 0 is gold, 5 has the answer too without being annotated.
QuestionSet small_set() {
  QuestionSet set{.name = "small"};
  for (const char* text : {"Ann built the mill.",
                           "The mill stood. It was red.",
                           "A mill grinds oats. It is loud.",
                           "Cats sleep.",
                           "Dogs run.",
                           "It was Ann who built a boat mill."}) {
    set.passages.push_back({"T", text});
  }
  set.questions.push_back({.id = "q",
                           .question = "Who built the mill?",
                           .answers = {"Ann"},
                           .offers = {{3, false}, {0, true}}});
  return set;
}

class ContextTest : public ::testing::Test {
 protected:
  std::optional<Context> build(const ContextSettings& settings, std::size_t number = 0) {
    return builder(settings).build(set_, set_.questions[0], number);
  }
  ContextBuilder builder(const ContextSettings& settings) {
    return {{tokenizer_, *ranker_, {}, false, most_tokens_}, settings};
  }
  static std::vector<std::string> texts(const Context& context) {
    std::vector<std::string> out;
    for (const ContextDocument& document : context.documents) {
      out.push_back(document.passage.text);
    }
    return out;
  }
  QuestionSet set_ = small_set();
  eval::FakeTokenizer tokenizer_;
  std::unique_ptr<PassageRanker> ranker_ = make_set_ranker(set_);
  std::size_t most_tokens_ = 2000;
};

TEST_F(ContextTest, AsTheSetOffers) {
  EXPECT_THAT(texts(*build({})), ElementsAre("Cats sleep.", "Ann built the mill."));
}

TEST_F(ContextTest, GoldAmongDistractorsWithoutTheAnswer) {
  const auto context = build({.n_documents = 4, .gold_slot = 1});
  // The set's own distractor, then by rank; passage 5 has the answer and is passed over.
  EXPECT_THAT(texts(*context),
              ElementsAre("Cats sleep.",
                          "Ann built the mill.",
                          "The mill stood. It was red.",
                          "A mill grinds oats. It is loud."));
  EXPECT_TRUE(context->documents[1].is_gold);
  EXPECT_EQ(context->prompt.documents[1].of(context->prompt.text), "Ann built the mill.");
}

TEST_F(ContextTest, WithoutASlotTheDepthGoesByTurns) {
  std::vector<std::size_t> slots;
  for (std::size_t number = 0; number < 6; ++number) {
    const auto context = build({.n_documents = 5}, number);
    for (std::size_t i = 0; i < context->documents.size(); ++i) {
      if (context->documents[i].is_gold) {
        slots.push_back(i);
      }
    }
  }
  EXPECT_THAT(slots, ElementsAre(0, 1, 2, 3, 4, 0));
}

TEST_F(ContextTest, OracleAndClosed) {
  EXPECT_THAT(texts(*build({.mode = ContextMode::kOracle})), ElementsAre("Ann built the mill."));
  const auto closed = build({.mode = ContextMode::kClosed});
  EXPECT_TRUE(closed->documents.empty());
  EXPECT_THAT(closed->prompt.text, Not(HasSubstr("Document")));
}

TEST_F(ContextTest, RetrievedComesByRankWithTheSetsGold) {
  const auto context = build({.mode = ContextMode::kRetrieved, .n_documents = 2});
  EXPECT_THAT(texts(*context),
              ElementsAre("It was Ann who built a boat mill.", "Ann built the mill."));
  EXPECT_FALSE(context->documents[0].is_gold);  // it has the answer, but the set does not say so
  EXPECT_TRUE(context->documents[1].is_gold);
}

TEST_F(ContextTest, FillsTheBudgetAndCutsTheLastBehindASentence) {
  const std::size_t whole = build({.n_documents = 4, .gold_slot = 0})->tokens.tokens.size();
  const auto context = build({.budget = whole - 1, .gold_slot = 0});
  EXPECT_LE(context->tokens.tokens.size(), whole - 1);
  ASSERT_EQ(context->documents.size(), 4U);
  EXPECT_EQ(context->documents[3].passage.text, "A mill grinds oats.");
  EXPECT_TRUE(context->documents[3].is_cut);
  EXPECT_TRUE(context->documents[0].is_gold);
}

TEST_F(ContextTest, RetrievedFillsTheBudgetToo) {
  const ContextSettings two{.mode = ContextMode::kRetrieved, .n_documents = 2};
  const std::size_t whole = build(two)->tokens.tokens.size();
  EXPECT_EQ(build({.mode = ContextMode::kRetrieved, .budget = whole})->documents.size(), 2U);
  EXPECT_EQ(build({.mode = ContextMode::kRetrieved, .budget = whole - 1})->documents.size(), 1U);
}

TEST_F(ContextTest, GoldIsNeverCut) {
  const std::size_t least = build({.mode = ContextMode::kOracle})->tokens.tokens.size();
  EXPECT_THAT(texts(*build({.budget = least})), ElementsAre("Ann built the mill."));
  EXPECT_EQ(build({.budget = least - 1}), std::nullopt);
  const ContextBuilder closed = builder({.mode = ContextMode::kClosed});
  EXPECT_TRUE(closed.fits(set_, set_.questions[0], least));
  EXPECT_FALSE(closed.fits(set_, set_.questions[0], least - 1));  // gold counts in every mode
}

TEST_F(ContextTest, TheModelsContextBoundsEveryBudget) {
  most_tokens_ = build({.mode = ContextMode::kOracle})->tokens.tokens.size();
  EXPECT_EQ(build({.budget = 5000})->documents.size(), 1U);
  set_.questions[0].question += std::string(most_tokens_, '?');
  EXPECT_EQ(build({.mode = ContextMode::kClosed}), std::nullopt);
}

TEST_F(ContextTest, RefusesASlotThatIsNotThere) {
  EXPECT_THROW(builder({.n_documents = 3, .gold_slot = 3}), Error);
  EXPECT_THAT(context_mode_from_name("golden").failure().message,
              HasSubstr("wanted gold, retrieved"));
}

TEST_F(ContextTest, SaysHowDocumentsWereChosen) {
  EXPECT_EQ(
      builder({.n_documents = 4, .budget = 512, .gold_slot = 1}).protocol(),
      "context gold, 4 documents, prompts of at most 512 tokens, gold at 1, by BM25 over the 6 "
      "passages of the set");
  EXPECT_EQ(builder({.mode = ContextMode::kOracle}).protocol(), "context oracle");
}

TEST(HasAnswer, LooksForWholeNormalisedWords) {
  const OpenQuestion question{.answers = {"the U.S.", "no"}};
  EXPECT_TRUE(has_answer("In the us, yes.", question));
  EXPECT_FALSE(has_answer("Bus rides have no end.", question));
}

}  // namespace
}  // namespace nibble::rag
