#include "base/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/ordered_json.h"

namespace nibble {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(ParseJson, ReadsADocument) {
  EXPECT_EQ(parse_json(R"({"a":[1,2.5,"x"]})", "f").take()["a"][2], "x");
}

TEST(ParseJson, PointsAtTheFault) {
  const auto bad = parse_json("{\n  \"a\": 1,\n  oops\n}", "config.json");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.failure().code, ErrorCode::kCorruptData);
  EXPECT_THAT(bad.failure().message, StartsWith("config.json:3:"));
}

TEST(ParseJson, RefusesDeepNestingAndOverflow) {
  const std::string deep = std::string(200, '[') + std::string(200, ']');
  EXPECT_THAT(parse_json(deep, "f").failure().message, HasSubstr("nested too deeply"));
  EXPECT_FALSE(parse_json("1e999", "f"));
  EXPECT_FALSE(parse_json("", "f"));
  EXPECT_FALSE(parse_json("\"\xff\"", "f"));
}

TEST(JsonLines, CountsLinesAndSkipsBlankOnes) {
  std::vector<std::size_t> lines;
  const auto done = for_each_json_line("{}\n\n  \n{}\n", "f", [&](Json&&, std::size_t line) {
    lines.push_back(line);
    return Result<void>();
  });
  EXPECT_TRUE(done);
  EXPECT_EQ(lines, (std::vector<std::size_t>{1, 4}));
}

TEST(JsonLines, NamesTheLineOfAFault) {
  const auto done = for_each_json_line(
      "{}\n{\"a\":}\n", "q.jsonl", [](Json&&, std::size_t) { return Result<void>(); });
  ASSERT_FALSE(done);
  EXPECT_THAT(done.failure().message, StartsWith("q.jsonl:2:6"));
}

TEST(JsonLines, StopsAtTheCallersFailure) {
  int n = 0;
  const auto done = for_each_json_line("1\n2\n3\n", "f", [&](Json&&, std::size_t) -> Result<void> {
    return ++n == 2 ? Result<void>(fail(ErrorCode::kInvalidArgument, "no")) : Result<void>();
  });
  EXPECT_EQ(n, 2);
  EXPECT_EQ(done.failure().message, "no");
}

TEST(DumpJson, IsOneLineAndSurvivesBadBytes) {
  EXPECT_EQ(dump_json({{"b", 1}, {"a", "\xff"}}), "{\"a\":\"\xEF\xBF\xBD\",\"b\":1}");
}

TEST(OrNull, WhatIsMissingIsNull) {
  EXPECT_EQ(dump_json({or_null(std::optional(0.5)), or_null(std::optional<double>())}),
            "[0.5,null]");
  EXPECT_EQ(
      dump_json({or_null(std::optional(std::size_t{0})), or_null(std::optional<std::size_t>())}),
      "[0,null]");
}

TEST(OrderedJson, KeepsTheOrderOfTheText) {
  EXPECT_EQ(parse_ordered_json(R"({"b": 1, "a": 2})", "t").take().dump(), R"({"b":1,"a":2})");
  EXPECT_EQ(parse_ordered_json("{", "t").failure().code, ErrorCode::kCorruptData);
  std::string seen;
  ASSERT_TRUE(for_each_ordered_json_line(
      "{\"z\": 1}\n\n[2]\n", "t", [&](OrderedJson&& value, std::size_t line) -> Result<void> {
        seen += fmt::format("{}:{} ", line, value.dump());
        return {};
      }));
  EXPECT_EQ(seen, "1:{\"z\":1} 3:[2] ");
}

}  // namespace
}  // namespace nibble
