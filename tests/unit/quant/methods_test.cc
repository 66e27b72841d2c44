#include <gmock/gmock.h>

#include <set>

#include "codec/codecs.h"
#include "quant/recipe.h"
#include "quant/solver.h"

namespace nibble::quant {
namespace {

using ::testing::HasSubstr;

TEST(Methods, NamesAreUniqueAndFound) {
  std::set<std::string_view> names;
  for (const SolverRow& row : solver_table()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_FALSE(row.summary.empty());
    EXPECT_EQ(find_solver(row.name).take(), &row);
  }
}

TEST(Methods, UnknownNameIsAnsweredWithTheNearest) {
  const auto row = find_solver("hqqq");
  ASSERT_FALSE(row);
  EXPECT_EQ(row.failure().code, ErrorCode::kUnsupported);
  EXPECT_THAT(
      row.failure().message,
      HasSubstr("unknown method 'hqqq' (did you mean 'hqq'?), expected one of: nearest, hqq"));
}

TEST(Methods, SettingsOutOfRangeAreRefused) {
  EXPECT_THAT(load_recipe("method=hqq,codec=int4g64f,max_iterations=-1").failure().message,
              HasSubstr("expected 0 to 10000"));
  EXPECT_THAT(load_recipe("method=hqq,codec=int4g64f,beta=0").failure().message,
              HasSubstr("'beta'"));
  EXPECT_THAT(load_recipe("method=hqq,codec=int4g64f,p=2").failure().message, HasSubstr("'p'"));
}

TEST(Methods, GgufTypesHaveAMethodOfTheirOwn) {
  EXPECT_THAT(load_recipe("method=nearest,codec=q4_0").failure().message,
              HasSubstr("method 'nearest' cannot write codec 'q4_0'"));
}

}  // namespace
}  // namespace nibble::quant
