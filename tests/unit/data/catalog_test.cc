#include "data/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace nibble::data {
namespace {

TEST(Catalog, EveryFileHasItsOwnPathBelowTheFolderOfItsSet) {
  std::set<std::string_view> paths;
  for (const CatalogFile& file : catalog()) {
    EXPECT_TRUE(paths.insert(file.path).second) << file.path;
    EXPECT_TRUE(file.path.starts_with(std::string(file.set) + "/")) << file.path;
    EXPECT_EQ(file.path.find(".."), std::string_view::npos);
    EXPECT_FALSE(file.licence.empty());
    EXPECT_FALSE(file.split.empty());
  }
}

TEST(Catalog, SetsAreFoundByName) {
  EXPECT_EQ(files_of_set("gsm8k").take().size(), 2U);
  EXPECT_EQ(files_of_set("boolq").take().front().path, "boolq/dev.jsonl");
  const auto unknown = files_of_set("arc_eazy");
  EXPECT_THAT(unknown.failure().message, ::testing::HasSubstr("did you mean 'arc_easy'?"));
}

}  // namespace
}  // namespace nibble::data
