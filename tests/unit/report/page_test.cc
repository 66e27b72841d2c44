#include "report/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "small_store.h"
#include "support/files.h"
#include "unit/report/answers/answer_store.h"

namespace nibble::report {
namespace {

using nibble::testing::TempFolder;
using ::testing::HasSubstr;
using ::testing::Not;

std::string page_of(const store::Store& store) {
  const Data data = gather(store);
  return html_page(data, find(data));
}

TEST(Page, IsOneSmallFileThatFetchesNothing) {
  const TempFolder folder;
  const std::string page = page_of(small_store(folder / "s.db"));
  EXPECT_LT(page.size(), std::size_t{5} << 20);
  EXPECT_THAT(page, HasSubstr("Mills &amp; &lt;millers&gt;"));
  EXPECT_THAT(page, Not(HasSubstr("{{")));
  EXPECT_THAT(page, Not(HasSubstr("sourceMappingURL")));
  const std::regex fetches("<(script|img|iframe|link)[^>]*(src|href)=\"(?!data:)");
  EXPECT_FALSE(std::regex_search(page.substr(0, page.find("vegaModules")), fetches));
}

TEST(Page, HostileTextStaysText) {
  const TempFolder folder;
  store::Store store = small_store(folder / "s.db");
  const std::string hostile = "</script><script>alert(1)</script>{{data}}";
  store::Plan plan = small_plan();
  plan.variants[1].name = hostile;
  plan.tasks[1].name = hostile;
  plan.tasks[1].id = "t9";
  plan.units[4].id = "u9";
  plan.units[4].task = "t9";
  store.replace_plan(plan);
  store.replace_notes(std::vector{hostile});
  const std::string page = page_of(store);
  EXPECT_THAT(page, Not(HasSubstr("<script>alert(1)")));
  EXPECT_THAT(page, HasSubstr("\\u003c/script>\\u003cscript>alert(1)"));
  EXPECT_THAT(page, HasSubstr("&lt;/script&gt;&lt;script&gt;alert(1)"));
}

TEST(Page, AnswersOverDocumentsHaveASection) {
  const TempFolder folder;
  const std::string page = page_of(answer_store(folder / "s.db"));
  EXPECT_THAT(page, HasSubstr("<section id=\"answers\">"));
  EXPECT_THAT(page, HasSubstr("<a href=\"#answers\">Answers</a>"));
  EXPECT_THAT(page, HasSubstr("who was \\u003c2>?")) << "a question as data of the script";
  EXPECT_THAT(page, Not(HasSubstr("who was <2>")));
  EXPECT_THAT(page_of(small_store(folder / "b.db")), Not(HasSubstr("id=\"answers\"")));
}

TEST(Page, EqualStoreEqualBytes) {
  const TempFolder folder;
  EXPECT_EQ(page_of(small_store(folder / "a.db")), page_of(small_store(folder / "b.db")));
}

}  // namespace
}  // namespace nibble::report
