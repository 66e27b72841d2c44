#include "report/page/script_json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace nibble::report {
namespace {

TEST(ScriptJson, NoElementBeginsOrEndsInIt) {
  const Json value = {{"a<b", "</script><!-- <script>"}};
  const std::string text = script_json(value);
  EXPECT_EQ(text.find('<'), std::string::npos);
  EXPECT_EQ(parse_json(text, "text").take(), value);
}

}  // namespace
}  // namespace nibble::report
