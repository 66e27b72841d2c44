#include "data/catalog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace nibble::data {
namespace {

TEST(Catalog, EveryFileHasItsOwnPathBelowTheFolderOfItsSet) {
  std::set<std::string> paths;
  for (const CatalogFile& file : catalog()) {
    EXPECT_TRUE(paths.insert(file.path).second) << file.path;
    EXPECT_TRUE(file.path.starts_with(file.set + "/")) << file.path;
    EXPECT_EQ(file.path.find(".."), std::string::npos);
    EXPECT_FALSE(file.licence.empty());
    EXPECT_FALSE(file.split.empty());
  }
}

TEST(Catalog, SetsAreFoundByName) {
  EXPECT_EQ(files_of_set("gsm8k").take().size(), 2U);
  EXPECT_EQ(files_of_set("boolq").take().front().path, "boolq/validation.jsonl");
  const auto unknown = files_of_set("arc_eazy");
  EXPECT_THAT(unknown.failure().message, ::testing::HasSubstr("did you mean 'arc_easy'?"));
}

TEST(Catalog, FilesAreFoundByPathAndSubject) {
  const CatalogFile anatomy = catalog_file("mmlu/anatomy/test.jsonl").value();
  EXPECT_EQ(anatomy.config, "anatomy");
  EXPECT_EQ(anatomy.dataset, "cais/mmlu");
  EXPECT_EQ(anatomy.split, "test");
  EXPECT_EQ(anatomy.path, "mmlu/anatomy/test.jsonl");
  EXPECT_EQ(catalog_file("piqa/validation.jsonl").value().config, "");
  EXPECT_FALSE(catalog_file("mmlu//test.jsonl"));
  EXPECT_FALSE(catalog_file("mmlu/a/b/test.jsonl"));
  EXPECT_FALSE(catalog_file("piqa/valid.jsonl"));
}

}  // namespace
}  // namespace nibble::data
