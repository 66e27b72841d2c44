#include "text/read/fields.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace nibble::text {
namespace {

using ::testing::ElementsAre;
using ::testing::StrEq;
using ::testing::ThrowsMessage;

TEST(Fields, ReadsEachType) {
  const Json json = {{"s", "x"}, {"b", true}, {"i", 7}, {"f", 1.5}, {"l", {1, 2}}, {"n", nullptr}};
  const Fields fields(json, "");
  EXPECT_EQ(fields.required<std::string>("s"), "x");
  EXPECT_EQ(fields.required<bool>("b"), true);
  EXPECT_EQ(fields.required<std::int32_t>("i"), 7);
  EXPECT_EQ(fields.required<float>("f"), 1.5F);
  EXPECT_THAT(fields.list<std::int32_t>("l"), ElementsAre(1, 2));
  EXPECT_EQ(fields.optional<bool>("n"), std::nullopt);
  EXPECT_EQ(fields.optional<bool>("absent"), std::nullopt);
}

TEST(Fields, MessagesNameTheKey) {
  const Json json = {{"a", {{"i", 4294967296}, {"l", {1, "x"}}, {"o", {{{"k", 1}}}}}}};
  const Fields fields = Fields(json, "").object("a");
  EXPECT_THAT([&] { static_cast<void>(fields.required<bool>("b")); },
              ThrowsMessage<Error>(StrEq("a.b: missing")));
  EXPECT_THAT([&] { static_cast<void>(fields.required<std::int32_t>("i")); },
              ThrowsMessage<Error>(StrEq("a.i: expected a 32-bit integer")));
  EXPECT_THAT([&] { static_cast<void>(fields.list<std::int32_t>("l")); },
              ThrowsMessage<Error>(StrEq("a.l[1]: expected a 32-bit integer")));
  EXPECT_THAT([&] { fields.only({"i", "l"}); }, ThrowsMessage<Error>(StrEq("a.o: not handled")));
  EXPECT_THAT([&] { fields.objects("o").at(0).only({}); },
              ThrowsMessage<Error>(StrEq("a.o[0].k: not handled")));
  EXPECT_THAT([&] { static_cast<void>(fields.object("l")); },
              ThrowsMessage<Error>(StrEq("a.l: expected an object")));
}

}  // namespace
}  // namespace nibble::text
