#include "study/answering_model.h"

#include <gmock/gmock.h>

#include <vector>

#include "base/error.h"
#include "unit/eval/fake_tokenizer.h"

namespace nibble::study {
namespace {

TEST(AnsweringModel, ItsTemplateIsParsedOrMissed) {
  const eval::FakeTokenizer tokenizer;
  const auto parsed = parse_chat_template({tokenizer, 8, "<{{ messages[0].content }}>"}, "chat");
  const std::vector<text::ChatMessage> messages = {{"user", "hi"}};
  EXPECT_EQ(parsed.render(messages), "<hi>");
  try {
    (void)parse_chat_template({tokenizer, 8, ""}, "chat = true");
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
    EXPECT_STREQ(error.what(), "chat = true, but the model has no chat template");
  }
}

}  // namespace
}  // namespace nibble::study
