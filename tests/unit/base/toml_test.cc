#include "base/toml.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/files.h"

namespace nibble {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kCorruptData);
    return error.what();
  }
  return "no error";
}

TEST(Toml, ReadsTypedValues) {
  const auto document = TomlDocument::parse(
      "name = 'x'\nbits = 4\nrate = 2\non = true\nlist = ['a', 'b']\nn = [1, 2]\n"
      "[sub]\nk = 1.5\n[[row]]\na = 1\n[[row]]\na = 2\n",
      "f.toml");
  ASSERT_TRUE(document);
  TomlTable root = document->root();
  EXPECT_EQ(root.required<std::string>("name"), "x");
  EXPECT_EQ(root.optional<std::int64_t>("bits"), 4);
  EXPECT_EQ(root.optional<double>("rate"), 2.0);
  EXPECT_EQ(root.optional<bool>("on"), true);
  EXPECT_THAT(root.required<std::vector<std::string>>("list"), ElementsAre("a", "b"));
  EXPECT_THAT(root.required<std::vector<std::int64_t>>("n"), ElementsAre(1, 2));
  EXPECT_EQ(root.table("sub")->optional<double>("k"), 1.5);
  EXPECT_EQ(root.tables("row").size(), 2U);
  EXPECT_EQ(root.optional<std::string>("absent"), std::nullopt);
  EXPECT_TRUE(root.tables("absent").empty());
  EXPECT_NO_THROW(root.finish());
  EXPECT_THAT(root.keys(), ElementsAre("name", "bits", "rate", "on", "list", "n", "sub", "row"));
}

TEST(Toml, UnknownKeysAreErrorsThatNameTheNearest) {
  const auto document = TomlDocument::parse("name = 'x'\nsampels = 3\n", "r.toml");
  TomlTable root = document->root();
  root.required<std::string>("name");
  root.optional<std::int64_t>("samples");
  EXPECT_EQ(error_of([&] { root.finish(); }),
            "r.toml:2:1: unknown key 'sampels' (did you mean 'samples'?)");
}

TEST(Toml, WrongTypesAndMissingKeysSayWhereAndWhat) {
  const auto document = TomlDocument::parse("[a]\nbits = 'four'\n", "r.toml");
  TomlTable table = *document->root().table("a");
  EXPECT_EQ(error_of([&] { table.optional<std::int64_t>("bits"); }),
            "r.toml:2:8: 'bits': expected an integer");
  EXPECT_THAT(error_of([&] { table.required<std::string>("name"); }),
              HasSubstr("'name': missing, expected a string"));
}

TEST(Toml, AMisspeltRequiredKeyIsNamedAndNotTheMissingOne) {
  const auto document = TomlDocument::parse("x = 1\n recipie = 'none'\n", "f.toml");
  EXPECT_EQ(error_of([&] { document->root().required<std::string>("recipe"); }),
            "f.toml:2:2: unknown key 'recipie' (did you mean 'recipe'?)");
  const auto exchanged = TomlDocument::parse("modle = 'm.gguf'\n", "f.toml");
  EXPECT_EQ(error_of([&] { exchanged->root().required<std::string>("model"); }),
            "f.toml:1:1: unknown key 'modle' (did you mean 'model'?)");
}

TEST(Toml, SyntaxErrorsHaveLineAndColumn) {
  const auto document = TomlDocument::parse("a = 1\nb = = 2\n", "r.toml");
  ASSERT_FALSE(document);
  EXPECT_EQ(document.failure().code, ErrorCode::kCorruptData);
  EXPECT_THAT(document.failure().message, StartsWith("r.toml:2:5"));
}

TEST(Toml, MissingFileIsNotFound) {
  EXPECT_EQ(TomlDocument::read("/no/such.toml").failure().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace nibble
