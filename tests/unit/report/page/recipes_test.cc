#include "report/page/recipes.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/page/budget.h"
#include "support/files.h"
#include "unit/report/small_store.h"

namespace nibble::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class PageRecipesTest : public ::testing::Test {
 protected:
  nibble::testing::TempFolder folder_;
  Data data_ = gather(small_store(folder_ / "s.db"));
};

TEST_F(PageRecipesTest, AFewAreAllShown) {
  const std::string html = recipes_html(data_);
  EXPECT_THAT(html, HasSubstr("solve = &quot;nearest&quot;"));
  EXPECT_THAT(html, Not(HasSubstr("class=\"cut\"")));
  EXPECT_EQ(recipe_table(data_).rows.size(), 3U) << "the reference has no recipe";
}

TEST_F(PageRecipesTest, WhatDoesNotFitIsCountedAndStandsInTheTable) {
  constexpr std::size_t kVariants = 100;
  data_.variants[1].record.recipe_text = std::string(kRecipeBytes / 50, 'x');
  const Variant variant = data_.variants[1];
  data_.variants.assign(kVariants, variant);
  const std::string html = recipes_html(data_);
  EXPECT_LT(html.size(), kRecipeBytes + 1000);
  EXPECT_THAT(html, HasSubstr("of 100 recipes; all of them: <code>tables/recipes.csv</code>"));
  EXPECT_EQ(recipe_table(data_).rows.size(), kVariants);
}

TEST_F(PageRecipesTest, AStudyWithoutRecipesHasNoSection) {
  data_.variants.resize(1);
  EXPECT_EQ(recipes_html(data_), "");
}

}  // namespace
}  // namespace nibble::report
