#include "model/config/key_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace nibble::model {
namespace {

TEST(KeyReader, ReadsTypedKeysBehindAPrefix) {
  const Json object = {{"a.size", 3}, {"a.number", 2.5}, {"a.flag", true}, {"a.text", "x"}};
  KeyReader keys(object, "f", "a.");
  EXPECT_EQ(keys.size("size"), 3U);
  EXPECT_EQ(keys.number("number"), 2.5F);
  EXPECT_EQ(keys.number("size"), 3.0F);
  EXPECT_TRUE(keys.flag_or("flag", false));
  EXPECT_EQ(keys.text_or("text", ""), "x");
  EXPECT_FALSE(keys.failure());
}

TEST(KeyReader, FallsBackWhereAKeyIsAbsentOrNull) {
  const Json object = {{"null", nullptr}};
  KeyReader keys(object, "f");
  EXPECT_EQ(keys.size_or("null", 4), 4U);
  EXPECT_EQ(keys.number_or("none", 0.5F), 0.5F);
  EXPECT_TRUE(keys.flag_or("none", true));
  EXPECT_EQ(keys.text_or("null", "y"), "y");
  EXPECT_EQ(keys.find("null"), nullptr);
  EXPECT_FALSE(keys.failure());
}

std::string message_of_size(const Json& value) {
  const Json object = {{"n", value}};
  KeyReader keys(object, "dir/config.json");
  EXPECT_EQ(keys.size("n"), 1U);
  return keys.failure() ? keys.failure()->message : "";
}

TEST(KeyReader, RefusesWhatIsNoSize) {
  EXPECT_EQ(message_of_size("12"),
            "dir/config.json: 'n': wanted an integer from 1 to 16777216, found \"12\"");
  for (const Json& bad :
       {Json(0), Json(-3), Json(2.5), Json(std::uint64_t{1} << 60), Json::array()}) {
    EXPECT_THAT(message_of_size(bad), ::testing::HasSubstr("wanted an integer")) << bad.dump();
  }
}

TEST(KeyReader, RemembersTheFirstFailure) {
  const Json object = {{"flag", 1}};
  KeyReader keys(object, "f");
  keys.size("missing");
  keys.flag_or("flag", false);
  keys.adopt(fail(ErrorCode::kIo, "later"));
  ASSERT_TRUE(keys.failure());
  EXPECT_EQ(keys.failure()->message, "f: 'missing': missing, wanted a positive integer");
  EXPECT_EQ(keys.failure()->code, ErrorCode::kCorruptData);
}

TEST(KeyReader, RefusesOtherKinds) {
  const Json object = {{"a", "text"}, {"b", 1}, {"c", Json::array({1, 2})}};
  KeyReader number(object, "f");
  number.number("a");
  EXPECT_EQ(number.failure()->message, "f: 'a': wanted a number, found \"text\"");
  KeyReader flag(object, "f");
  flag.flag_or("b", true);
  EXPECT_EQ(flag.failure()->message, "f: 'b': wanted true or false, found 1");
  KeyReader text(object, "f");
  text.text_or("c", "");
  EXPECT_EQ(text.failure()->message, "f: 'c': wanted a text, found array");
}

TEST(KeyReader, WhatIsNoObjectHasNoKeys) {
  const Json object = Json::array();
  KeyReader keys(object, "f");
  EXPECT_EQ(keys.find("a"), nullptr);
  keys.number("a");
  EXPECT_EQ(keys.failure()->message, "f: 'a': missing, wanted a number");
}

}  // namespace
}  // namespace nibble::model
