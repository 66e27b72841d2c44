#include "text/python_regex.h"

#include <gtest/gtest.h>

namespace nibble::text {
namespace {

std::vector<std::string> found(std::string_view pattern, std::string_view text) {
  std::vector<std::string> out;
  PythonRegex::compile(pattern).take().for_each_match(text, [&](const PythonRegex::Match& match) {
    out.emplace_back(match[0]);
    return true;
  });
  return out;
}

using Texts = std::vector<std::string>;

// Each wanted value is what CPython 3.11's re.findall or re.sub gives.
TEST(PythonRegex, FindsFromTheLeft) {
  EXPECT_EQ(found("-?[0-9]+", "a -12 b 3"), (Texts{"-12", "3"}));
  EXPECT_EQ(found("a*", "baac"), (Texts{"", "aa", "", ""}));
  EXPECT_EQ(found("|a", "a"), (Texts{"", "a", ""}));
  EXPECT_EQ(found("x", ""), Texts{});
  EXPECT_EQ(found("é?", "éé"), (Texts{"é", "é", ""}));
}

TEST(PythonRegex, ClassesAreUnicode) {
  EXPECT_EQ(found("\\w+", "Größe 東京"), (Texts{"Größe", "東京"}));
  EXPECT_EQ(found("\\bthe\\b", "thé the"), Texts{"the"});
  EXPECT_EQ(found("a.b", "a\nb a\u2028b"), Texts{"a\u2028b"});
  EXPECT_EQ(found("(?s)a.b", "a\nb"), Texts{"a\nb"});
  EXPECT_EQ(found("\\.$", "1.\n"), Texts{"."});
}

TEST(PythonRegex, GroupsThatTookNoPartAreEmpty) {
  const PythonRegex regex = PythonRegex::compile("(-?[$0-9.,]{2,})|(-?[0-9]+)").take();
  EXPECT_EQ(regex.n_groups(), 2U);
  std::vector<Texts> groups;
  regex.for_each_match("a 5 and $1,2.", [&](const PythonRegex::Match& match) {
    groups.push_back({std::string(match[1]), std::string(match[2])});
    return true;
  });
  EXPECT_EQ(groups, (std::vector<Texts>{{"", "5"}, {"$1,2.", ""}}));
}

TEST(PythonRegex, Replaces) {
  const auto replaced = [](std::string_view pattern,
                           std::string_view text,
                           std::string_view by,
                           std::size_t at_most = 0) {
    return PythonRegex::compile(pattern).take().replaced(text, by, at_most);
  };
  EXPECT_EQ(replaced("(?s).*#### ", "a\n#### 18", ""), "18");
  EXPECT_EQ(replaced("x*", "abc", "-"), "-a-b-c-");
  EXPECT_EQ(replaced("(.)X", "aXbX", "\\1"), "ab");
  EXPECT_EQ(replaced("(.)X", "aXbX", "<\\g<1>>", 1), "<a>bX");
  EXPECT_EQ(replaced("q", "abc", "-"), "abc");
  EXPECT_THROW(replaced("a", "a", "\\2"), Error);
}

TEST(PythonRegex, StopsWhenAsked) {
  int n = 0;
  PythonRegex::compile("a").take().for_each_match(
      "aaa", [&](const PythonRegex::Match&) { return ++n < 2; });
  EXPECT_EQ(n, 2);
  EXPECT_TRUE(PythonRegex::compile("b").take().is_found_in("abc"));
  EXPECT_FALSE(PythonRegex::compile("x").take().is_found_in("abc"));
}

TEST(PythonRegex, BadPatternsAndCostlyMatchesAreErrors) {
  const auto bad = PythonRegex::compile("(a");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.failure().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(bad.failure().message, "pattern '(a': missing closing parenthesis at byte 2");
  const std::string many(3000, 'a');
  EXPECT_THROW(found("(a|aa)+[cd]", many), Error);
}

}  // namespace
}  // namespace nibble::text
