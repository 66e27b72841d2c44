#include "rag/answer/token_spans.h"

#include <gmock/gmock.h>

#include "unit/eval/fake_tokenizer.h"

namespace nibble::rag {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Names of tokens as SentencePiece has them, in the order of their ids.
class PieceTokenizer final : public text::Tokenizer {
 public:
  [[nodiscard]] Result<std::vector<text::TokenId>> encode(std::string_view /*text*/,
                                                          text::AddSpecial) const override {
    return std::vector<text::TokenId>{};
  }
  [[nodiscard]] Result<std::string> decode(std::span<const text::TokenId> /*ids*/,
                                           text::SkipSpecial) const override {
    return std::string();
  }
  [[nodiscard]] std::size_t vocab_size() const noexcept override { return 5; }
  [[nodiscard]] const text::SpecialTokens& special() const noexcept override { return special_; }
  [[nodiscard]] std::string token_bytes(text::TokenId id) const override {
    static const std::vector<std::string> kBytes = {"", " He", "llo", " ", "\xC3"};
    return kBytes.at(static_cast<std::size_t>(id));
  }
  [[nodiscard]] std::optional<std::string_view> token_text(text::TokenId id) const override {
    return id == 0 ? std::optional<std::string_view>("<s>") : std::nullopt;
  }
  [[nodiscard]] std::string hash() const override { return "pieces"; }

 private:
  text::SpecialTokens special_;
};

std::vector<std::size_t> begins_of(std::vector<text::TokenId> tokens, std::string_view text) {
  return token_begins(PieceTokenizer(), tokens, text).take();
}

TEST(TokenBegins, LaysTokensAlongTheText) {
  EXPECT_THAT(begins_of({1, 2, 1}, " Hello He"), ElementsAre(0, 3, 6));
}

TEST(TokenBegins, SpecialTokensTakeTheirSpellingWhereItStands) {
  EXPECT_THAT(begins_of({0, 1, 2}, "<s> Hello"), ElementsAre(0, 3, 6));
  EXPECT_THAT(begins_of({0, 1, 2}, " Hello"), ElementsAre(0, 0, 3));  // BOS in front
}

TEST(TokenBegins, ABlankOfTheTokenizersOwnHasNoBytes) {
  EXPECT_THAT(begins_of({1, 2}, "Hello"), ElementsAre(0, 2));
  EXPECT_THAT(begins_of({0, 3, 2}, "<s>llo"), ElementsAre(0, 3, 3));
}

TEST(TokenBegins, RefusesATextThatTheTokenizerChanged) {
  const std::vector<text::TokenId> tokens = {1, 2};
  const auto changed = token_begins(PieceTokenizer(), tokens, "Help");
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.failure().code, ErrorCode::kUnsupported);
  EXPECT_THAT(changed.failure().message, HasSubstr("token 1: the tokenizer has 'llo'"));
  const auto longer = token_begins(PieceTokenizer(), tokens, "Hello!");
  ASSERT_FALSE(longer);
  EXPECT_THAT(longer.failure().message, HasSubstr("end at byte 5 of a text of 6"));
}

TEST(TokensWithin, AStraddlingTokenBelongsToTheOwnerOfItsFirstByte) {
  const std::vector<std::size_t> begins = {0, 3, 5, 8};
  EXPECT_EQ(tokens_within(begins, {0, 4}), (TokenRange{0, 2}));
  EXPECT_EQ(tokens_within(begins, {4, 9}), (TokenRange{2, 4}));
  EXPECT_EQ(tokens_within(begins, {6, 8}), (TokenRange{3, 3}));
}

}  // namespace
}  // namespace nibble::rag
