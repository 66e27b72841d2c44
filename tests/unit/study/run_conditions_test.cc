#include "study/run_conditions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "store/store.h"
#include "unit/eval/results/logged_files.h"

namespace nibble::study {
namespace {

using nibble::testing::TempFolder;

TEST(RunConditions, AResultsFileStatesItsConditions) {
  const auto path = nibble::testing::source_path("tests/golden/eval/lm_eval/results.json");
  const RunConditions conditions = read_run_conditions(path);
  EXPECT_EQ(conditions.at("arc_easy: versions"), "1.0");
  EXPECT_EQ(conditions.at("arc_easy: n-samples"), "12");
  EXPECT_EQ(conditions.at("max_length"), "2048");
  EXPECT_EQ(conditions.at("tokenizer_eos_token"), R"(["<|im_end|>","2"])");
  EXPECT_FALSE(conditions.contains("chat_template_sha"));  // null there
  EXPECT_FALSE(conditions.contains("date"));
}

TEST(RunConditions, AStoreStatesItsConditions) {
  const TempFolder folder;
  {
    store::Store store = store::Store::open(folder / "study.db");
    store.replace_conditions(std::vector<store::Condition>{{"arithmetic", "native", true}});
    store.replace_plan({{{"v", "reference", "none", "", "", {}}},
                        {{"t", "arc_easy", 2, "0-shot", "data", 3, {}}},
                        {{"u", "v", "t", ""}}});
  }
  for (const auto& given : {folder.path(), folder / "study.db"}) {
    const RunConditions conditions = read_run_conditions(given);
    EXPECT_EQ(conditions.at("arithmetic"), "native");
    EXPECT_EQ(conditions.at("arc_easy: protocol"), "0-shot");
    EXPECT_EQ(conditions.at("arc_easy: n-samples"), "3");
  }
  EXPECT_THROW((void)read_run_conditions(folder / "nothing"), Error);
}

TEST(RunConditions, DifferencesTellWhatIsJudgedFromHow) {
  const RunConditions a = {{"arithmetic", "native"}, {"model_sha", "1"}, {"kernels", "avx2"}};
  const RunConditions b = {
      {"arithmetic", "f32"}, {"model_sha", "2"}, {"threads", "2"}, {"kernels", "avx2"}};
  const auto rows = differing_conditions(a, b);
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0].key, "arithmetic");
  EXPECT_FALSE(rows[0].is_subject);
  EXPECT_EQ(rows[1].key, "model_sha");
  EXPECT_TRUE(rows[1].is_subject);
  EXPECT_EQ(rows[2].a, "");
  EXPECT_EQ(rows[2].b, "2");
  EXPECT_TRUE(differing_conditions(a, a).empty());
}

}  // namespace
}  // namespace nibble::study
