#include "report/advice/json.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "advice_store.h"
#include "support/files.h"

namespace nibble::report {
namespace {

using nibble::testing::TempFolder;

class AdviceJsonTest : public ::testing::Test {
 protected:
  Json with(const Limits& limits) {
    return advice_json(advise(store_, data_, limits), limits, data_);
  }
  TempFolder folder_;
  store::Store store_ = advice_store(folder_ / "s.db");
  Data data_ = gather(store_);
};

TEST_F(AdviceJsonTest, HasTheAnswerItsReasonsAndTheLimits) {
  Limits limits;
  limits.memory_bytes = 42e6;
  const Json json = with(limits);
  EXPECT_EQ(json["status"], "recommended");
  EXPECT_EQ(json["winner"], "small");
  EXPECT_TRUE(json["runner_up"].is_null());
  EXPECT_EQ(json["might_be_better"], Json::array({"unsure"}));
  EXPECT_EQ(json["variants"][2]["verdict"], "out");
  EXPECT_EQ(json["variants"][3]["verdict"], "undecided");
  EXPECT_GT(json["variants"][3]["limits"][1]["n_needed"], 400);
  EXPECT_EQ(json["limits"]["losses"][1]["margin"], 1.0);
  EXPECT_TRUE(json["limits"]["decode_ms"].is_null());
}

TEST_F(AdviceJsonTest, ThePageGetsWhatTheRuleNeeds) {
  constexpr std::size_t kDecode = 3, kValue = 0, kReason = 2, kHigh = 2;
  const Json json = advice_data_json(data_, data_.variants.size());
  EXPECT_EQ(json["tasks"][0]["kind"], "share");
  EXPECT_EQ(json["tasks"][1]["reference"], 20.0);
  const Json& unknown = json["variants"][4]["costs"][kDecode];
  EXPECT_TRUE(unknown[kValue].is_null());
  EXPECT_NE(json["reasons"][unknown[kReason].get<std::size_t>()], "");
  EXPECT_EQ(json["variants"][1]["losses"][1][kHigh], 0.5);
  EXPECT_EQ(advice_data_json(data_, 2)["variants"].size(), 2U);
}

/// What the page's script answers under the same limits, by Node.
Json page_answer(const TempFolder& folder, const Data& data, const Limits& limits) {
  Json asked = {{"memory", limits.memory_bytes ? Json(*limits.memory_bytes) : Json()},
                {"first_token", Json()},
                {"first_token_p95", Json()},
                {"decode", limits.decode_ms ? Json(*limits.decode_ms) : Json()},
                {"energy", Json()},
                {"margins", Json::array()},
                {"prefer", preference_name(limits.prefer)}};
  for (std::size_t t = 0; t < data.tasks.size(); ++t) {
    asked["margins"].push_back(nullptr);
  }
  for (const CountedTask& task : counted_tasks(limits, data)) {
    asked["margins"][task.index] = task.margin;
  }
  const std::string rule =
      nibble::testing::read_file(nibble::testing::source_path("src/report/assets/advice_rule.js"));
  nibble::testing::write_file(
      folder / "ask.js",
      rule +
          fmt::format(
              "\nconsole.log(JSON.stringify(adviseVariants(unpackedAdvice({}).variants, {})));\n",
              advice_data_json(data, data.variants.size()).dump(),
              asked.dump()));
  const std::string out = (folder / "out.json").string();
  const std::string command = fmt::format("node {} > {}", (folder / "ask.js").string(), out);
  EXPECT_EQ(std::system(command.c_str()), 0);
  return Json::parse(nibble::testing::read_file(out));
}

TEST_F(AdviceJsonTest, ThePageGivesTheSameAnswerAsTheProgram) {
  if (std::system("node --version > /dev/null 2>&1") != 0) {
    GTEST_SKIP() << "node is not installed";
  }
  std::vector<Limits> cases(6);
  cases[1].memory_bytes = 35e6;
  cases[2].decode_ms = 7.5;
  cases[3].other_margin = Margin{60, true};
  cases[3].prefer = Preference::kSpeed;
  cases[4].tasks = {"pages"};
  cases[5].other_margin = Margin{60, true};
  cases[5].prefer = Preference::kQuality;
  for (const Limits& limits : cases) {
    const Advice advice = advise(store_, data_, limits);
    const Json page = page_answer(folder_, data_, limits);
    EXPECT_EQ(page["status"], status_name(advice.status));
    EXPECT_EQ(page["winner"], advice.winner ? Json(*advice.winner) : Json());
    EXPECT_EQ(page["runnerUp"], advice.runner_up ? Json(*advice.runner_up) : Json());
    EXPECT_EQ(page["mightBeBetter"], Json(advice.might_be_better));
    for (std::size_t v = 0; v < advice.candidates.size(); ++v) {
      EXPECT_EQ(page["variants"][v]["verdict"], verdict_name(advice.candidates[v].verdict));
      EXPECT_EQ(page["variants"][v]["dominatedBy"].size(),
                advice.candidates[v].dominated_by.size());
    }
  }
}

}  // namespace
}  // namespace nibble::report
