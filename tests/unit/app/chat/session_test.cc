#include "app/chat/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/thread_pool.h"
#include "support/files.h"

namespace nibble::app {
namespace {

using ::testing::HasSubstr;

/// The demo model, in the arithmetic in which a cached token is as good as one that is read again.
class ChatSessionTest : public ::testing::Test {
 protected:
  void SetUp() override {
    NIBBLE_NEEDS_FILE(path, testing::demo_model());
    loaded_ = model::load_model(path,
                                {.arithmetic = Arithmetic::kDeterministic, .with_hash = false},
                                pool_,
                                silent_progress())
                  .take();
  }
  ChatAnswer ask(ChatSession& session, std::string_view message) {
    shown_.clear();
    return session.answer(
        message, [this](std::string_view text) { shown_ += text; }, [] { return false; });
  }
  ThreadPool pool_{2};
  model::LoadedModel loaded_;
  std::string shown_;
};

TEST_F(ChatSessionTest, AnswersAndRemembers) {
  ChatSession session(loaded_, "You answer in one word.", 12);
  const ChatAnswer first = ask(session, "What is the capital of France?");
  EXPECT_THAT(first.text, HasSubstr("Paris"));
  EXPECT_EQ(shown_, first.text);
  EXPECT_EQ(session.messages().size(), 3U);
  EXPECT_EQ(session.messages()[2].content, first.text);
  const ChatAnswer second = ask(session, "And of Spain?");
  EXPECT_LT(second.n_read, first.n_read);  // the beginning is not read again

  ChatSession fresh(loaded_, "You answer in one word.", 12);
  ask(fresh, "What is the capital of France?");
  ChatSession again(loaded_, "You answer in one word.", 12);
  ask(again, "Say something long about rivers.");
  again.reset();
  EXPECT_EQ(ask(again, "What is the capital of France?").text, first.text);
  EXPECT_EQ(ask(again, "And of Spain?").text, second.text);
  again.set_system("");
  EXPECT_TRUE(again.messages().empty());
}

TEST_F(ChatSessionTest, AnAnswerStopsAtItsLimitAndWhereThePersonWantsIt) {
  ChatSession session(loaded_, "", 5);
  const ChatAnswer limited = ask(session, "Count from one to one hundred.");
  EXPECT_EQ(limited.n_tokens, 5U);
  EXPECT_EQ(limited.reason, model::StopReason::kLimit);
  std::size_t n_asked = 0;
  const ChatAnswer stopped = session.answer(
      "Go on.", [](std::string_view) {}, [&n_asked] { return ++n_asked > 4; });
  EXPECT_TRUE(stopped.is_stopped);
  EXPECT_LT(stopped.n_tokens, 5U);
  EXPECT_EQ(session.messages().size(), 4U);
}

TEST_F(ChatSessionTest, AFullContextLeavesOutTheOldestExchanges) {
  const std::size_t context = loaded_.model->config().context;
  ChatSession session(loaded_, "Be brief.", 4);
  std::string half;  // of the context
  while (loaded_.tokenizer->encode(half, text::AddSpecial::kNo)->size() < context / 2) {
    half += "river river river river river river river river ";
  }
  try {
    ask(session, half + half + half);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(error.what(), HasSubstr("before an answer of 4"));
  }
  EXPECT_EQ(session.messages().size(), 1U);  // as it was before
}

}  // namespace
}  // namespace nibble::app
