#include "report/page.h"

#include <fmt/format.h>
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

/// The small study, its variants and tasks repeated under other names.
Data large_data(const TempFolder& folder, std::size_t n_variants, std::size_t n_tasks) {
  Data data = gather(small_store(folder / "s.db"));
  while (data.tasks.size() < n_tasks) {
    data.tasks.push_back(data.tasks[1]);
    data.tasks.back().name = fmt::format("choice_{:04}", data.tasks.size());
    for (Variant& variant : data.variants) {
      const Outcome outcome = variant.outcomes[1];
      variant.outcomes.push_back(outcome);
    }
  }
  const std::vector<Variant> few = data.variants;
  while (data.variants.size() < n_variants) {
    Variant variant = few[1 + data.variants.size() % 3];
    variant.record.name = fmt::format("variant_{:05}", data.variants.size());
    variant.record.recipe_text.append(800, '#');
    for (Outcome& outcome : variant.outcomes) {
      for (auto& metric : outcome.metrics) {
        if (metric.value) {  // a number of its own for every score
          metric.value->value =
              *metric.value->value + 1e-5 * static_cast<double>(data.variants.size());
        }
      }
      for (Example& example : outcome.examples) {
        example.sample.index = data.variants.size();
        example.sample.prompt = std::string(1500, '?');
      }
    }
    data.variants.push_back(std::move(variant));
  }
  data.answers.variants.resize(data.variants.size());
  return data;
}

class LargePageTest : public ::testing::TestWithParam<std::pair<std::size_t, std::size_t>> {};

TEST_P(LargePageTest, StaysBelowFiveMegabytes) {
  const TempFolder folder;
  const auto [n_variants, n_tasks] = GetParam();
  const Data data = large_data(folder, n_variants, n_tasks);
  const std::string page = html_page(data, Findings{});
  EXPECT_LT(page.size(), std::size_t{5'000'000});
  EXPECT_THAT(page, HasSubstr("questions are shown. All these answers are in"));
  EXPECT_THAT(page, HasSubstr(fmt::format("<small>{} rows</small>", n_variants)));
}

INSTANTIATE_TEST_SUITE_P(
    Studies,
    LargePageTest,
    ::testing::Values(std::pair{1000, 4}, std::pair{500, 20}, std::pair{5000, 2}),
    [](const auto& study) {
      return fmt::format("{}Variants{}Tasks", study.param.first, study.param.second);
    });

TEST(Page, EqualStoreEqualBytes) {
  const TempFolder folder;
  EXPECT_EQ(page_of(small_store(folder / "a.db")), page_of(small_store(folder / "b.db")));
}

}  // namespace
}  // namespace nibble::report
