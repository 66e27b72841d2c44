#include "text/jinja/from_json.h"

#include <gtest/gtest.h>

namespace nibble::text::jinja {
namespace {

TEST(FromJson, KeepsOrderAndKinds) {
  const Value value =
      parse_json_value(R"({"b": 1, "a": [true, null, 2.5, "x"], "c": {}})", "t").take();
  EXPECT_EQ(to_repr(value), "{'b': 1, 'a': [True, None, 2.5, 'x'], 'c': {}}");
}

TEST(FromJson, SaysWhere) {
  EXPECT_EQ(parse_json_value("{", "t").failure().code, ErrorCode::kCorruptData);
  EXPECT_EQ(parse_json_value("18446744073709551615", "t").failure().message,
            "t: the whole number 18446744073709551615 has more than 64 bits");
}

TEST(JsonText, GivesTheDocumentBack) {
  const std::string text = R"({"z":"\"é\n","a":[1,-2.5,true,null,{"b":[]}]})";
  EXPECT_EQ(json_text(parse_json_value(text, "test").take()), text);
}

}  // namespace
}  // namespace nibble::text::jinja
