#include "rag/answer/prompt.h"

#include <gmock/gmock.h>

#include "text/chat_template.h"
#include "unit/eval/fake_tokenizer.h"

namespace nibble::rag {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

const std::vector<PromptDocument> kTwo = {{"Cats", "A cat sleeps."}, {"", "A dog runs."}};

TEST(BuildPrompt, PutsDocumentsUnderFixedHeaders) {
  const PromptText prompt = build_prompt("Who runs?", kTwo, {});
  EXPECT_EQ(
      prompt.text,
      "Answer the question with a few words from the documents. Some of them may have nothing "
      "to do with it.\n\n"
      "Document [1] (Title: Cats)\nA cat sleeps.\n\n"
      "Document [2]\nA dog runs.\n\n"
      "Question: Who runs?\nAnswer:");
  ASSERT_EQ(prompt.documents.size(), 2U);
  EXPECT_EQ(prompt.documents[0].of(prompt.text), "A cat sleeps.");
  EXPECT_EQ(prompt.documents[1].of(prompt.text), "A dog runs.");
  EXPECT_EQ(prompt.question.of(prompt.text), "Who runs?");
}

TEST(BuildPrompt, AsksWithoutDocuments) {
  const PromptText prompt = build_prompt("Who?", {}, {.allows_abstention = true});
  EXPECT_EQ(prompt.text,
            "Answer the question with a few words. If you are not sure, answer: I don't know.\n\n"
            "Question: Who?\nAnswer:");
  EXPECT_TRUE(prompt.documents.empty());
}

TEST(BuildPrompt, ShowsAnExampleInItsOwnForm) {
  const PromptText prompt =
      build_prompt("Who runs?",
                   kTwo,
                   {.asks_citations = true, .allows_abstention = true, .shows_example = true});
  EXPECT_THAT(prompt.text,
              HasSubstr("Question: Who built the Harbour Mill?\nAnswer: Edda Rusk [1]\n\n"));
  EXPECT_THAT(prompt.text, HasSubstr("Answer: I don't know\n\n"));
  EXPECT_EQ(prompt.documents[1].of(prompt.text), "A dog runs.");
  const PromptText closed =
      build_prompt("Who?", {}, {.asks_citations = true, .shows_example = true});
  EXPECT_THAT(closed.text, Not(HasSubstr("[1]")));
}

TEST(BuildPrompt, FollowsItsTextThroughATemplate) {
  const auto chat =
      text::ChatTemplate::parse(
          "{% for m in messages %}<{{ m.role }}>{{ m.content }}</>{% endfor %}<assistant>", {})
          .take();
  const PromptText prompt = build_prompt("Who runs?", kTwo, {.chat = {&chat, "Be brief.", true}});
  EXPECT_TRUE(prompt.text.starts_with("<system>Be brief.</><user>Answer the question"));
  EXPECT_TRUE(prompt.text.ends_with("Answer:</><assistant>"));
  EXPECT_EQ(prompt.documents[0].of(prompt.text), "A cat sleeps.");
  EXPECT_EQ(prompt.question.of(prompt.text), "Who runs?");
}

TEST(BuildPrompt, RefusesATemplateThatChangesTheMessage) {
  const auto chat = text::ChatTemplate::parse("{{ messages[0].content | upper }}", {}).take();
  EXPECT_THROW(build_prompt("Who?", kTwo, {.chat = {&chat, "", true}}), Error);
}

TEST(TokenizePrompt, FindsTheTokensOfEachPart) {
  const eval::FakeTokenizer tokenizer;  // a token a byte, BOS in front
  const PromptText prompt = build_prompt("Who runs?", kTwo, {});
  const TokenizedPrompt tokens = tokenize_prompt(prompt, tokenizer, true).take();
  EXPECT_EQ(tokens.tokens.size(), prompt.text.size() + 1);
  const TextRange second = prompt.documents[1];
  EXPECT_EQ(tokens.documents[1], (TokenRange{second.begin + 1, second.end + 1}));
  EXPECT_EQ(tokens.question.end - tokens.question.begin, std::string_view("Who runs?").size());
}

TEST(TokenizePrompt, ATokenAcrossABorderGoesToItsFirstByte) {
  const eval::FakeTokenizer tokenizer;  // "ab" is one token
  PromptText prompt{"xab", {{1, 2}, {2, 3}}, {0, 1}};
  const TokenizedPrompt tokens = tokenize_prompt(prompt, tokenizer, false).take();
  EXPECT_THAT(tokens.documents, ElementsAre(TokenRange{1, 2}, TokenRange{2, 2}));
}

}  // namespace
}  // namespace nibble::rag
