#include "study/search/found_passages.h"

#include <gmock/gmock.h>

#include "base/error.h"

namespace nibble::study {
namespace {

using ::testing::HasSubstr;

TEST(FoundPassages, AreBm25sUntilTheStoreIsGivenThenWhatWasFound) {
  rag::QuestionSet set{.name = "s"};
  set.passages = {{"", "a cat"}, {"", "a dog"}, {"", "rain"}};
  FoundPassages found(std::make_shared<rag::QuestionSet>(set), "by a search");
  EXPECT_EQ(found.protocol(), "by a search");
  ASSERT_EQ(found.best("cats?", 5).size(), 1U);
  EXPECT_EQ(found.best("cats?", 5)[0].of_set, 0U);

  store::Store store = store::Store::in_memory();
  store.replace_plan({{{"v", "minilm over s", std::string(store::kRetrieverRecipe), "", "", {}}},
                      {{"t", "s search for 2", 1, "", "", 2, {}}},
                      {{"u", "v", "t", ""}}});
  found.read_from(store, "u");
  EXPECT_THROW(found.best("cats?", 5), Error) << "nothing is searched for yet";
  store.add_samples("u", std::vector<store::SampleRecord>{{0, "q0", "cats?", "0", "2 1", {}}});
  const auto best = found.best("cats?", 5);
  ASSERT_EQ(best.size(), 2U);
  EXPECT_EQ(best[0].of_set, 2U);
  EXPECT_EQ(best[0].passage.text, "rain");
  EXPECT_EQ(found.best("cats?", 1).size(), 1U);
  try {
    found.best("dogs?", 1);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kNotFound);
    EXPECT_THAT(error.what(), HasSubstr("'dogs?' have not been searched for"));
  }
}

}  // namespace
}  // namespace nibble::study
