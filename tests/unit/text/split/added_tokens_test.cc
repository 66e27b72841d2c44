#include "text/split/added_tokens.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace nibble::text {
namespace {

using ::testing::ElementsAre;

std::vector<std::string> split(const AddedTokens& tokens, std::string_view text) {
  std::vector<std::string> parts;
  tokens.split(
      text,
      [&](std::string_view part) { parts.emplace_back(part); },
      [&](TokenId id) { parts.push_back(fmt::format("#{}", id)); });
  return parts;
}

TEST(AddedTokens, LeftmostThenLongest) {
  const AddedTokens tokens({{1, "<a>"}, {2, "<a>b"}, {3, "a>"}});
  EXPECT_THAT(split(tokens, "x<a>b<a>a>"), ElementsAre("x", "#2", "#1", "#3"));
  EXPECT_THAT(split(tokens, "<a"), ElementsAre("<a"));
  EXPECT_THAT(split(tokens, "<<a>"), ElementsAre("<", "#1"));
}

TEST(AddedTokens, WithoutTokensTheTextIsOnePart) {
  EXPECT_THAT(split(AddedTokens(), "abc"), ElementsAre("abc"));
  EXPECT_THAT(split(AddedTokens({{1, ""}}), "abc"), ElementsAre("abc"));
  EXPECT_TRUE(split(AddedTokens(), "").empty());
}

TEST(AddedTokens, ClaimsWhiteSpace) {
  AddedToken mask{7, "<m>"};
  mask.strip_left = true;
  EXPECT_THAT(split(AddedTokens({mask}), "a \t<m> b"), ElementsAre("a", "#7", " b"));
  mask.strip_left = false;
  mask.strip_right = true;
  EXPECT_THAT(split(AddedTokens({mask}), "a <m>\u3000b"), ElementsAre("a ", "#7", "b"));
  mask.strip_left = true;
  EXPECT_THAT(split(AddedTokens({mask}), "<m> <m>"), ElementsAre("#7", "#7"));
}

TEST(AddedTokens, SingleWords) {
  AddedToken token{5, "cat"};
  token.single_word = true;
  EXPECT_THAT(split(AddedTokens({token}), "cat cats écat (cat)"),
              ElementsAre("#5", " cats écat (", "#5", ")"));
}

}  // namespace
}  // namespace nibble::text
