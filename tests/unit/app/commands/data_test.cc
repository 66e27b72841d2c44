#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "data/catalog.h"
#include "eval/task.h"
#include "support/files.h"
#include "unit/data/rows_server.h"

namespace nibble::app {
namespace {

using ::testing::HasSubstr;
using testing::run_program;
using testing::TempFolder;

/// A hub on which every set has one part, "default".
data::ServerReply hub(const std::string& target, std::size_t n_rows) {
  return {200,
          target.starts_with("/splits") ? R"({"splits": [
              {"config": "default", "split": "test"}, {"config": "default", "split": "train"},
              {"config": "default", "split": "validation"}]})"
                                        : data::page_of(target, n_rows)};
}

TEST(Data, PullsIntoTheFolderAndListsIt) {
  data::RowsServer server([](const std::string& target, std::size_t) { return hub(target, 150); });
  const TempFolder folder;
  const std::string where = " --data " + folder.path().string();
  const auto pulled = run_program("data pull nq_open --json --base-url " + server.url() + where);
  ASSERT_EQ(pulled.exit_code, 0) << pulled.err;
  ASSERT_EQ(nlohmann::json::parse(pulled.out).size(), 1U);  // without its 87,925 examples
  const auto file = nlohmann::json::parse(pulled.out).at(0);
  EXPECT_EQ(file.at("rows"), 150);
  const auto list = nlohmann::json::parse(run_program("data list --json" + where).out);
  ASSERT_EQ(list.at("files").size(), 1U);
  EXPECT_EQ(list.at("files").at(0).at("sha256"), file.at("sha256"));
  EXPECT_EQ(list.at("files").at(0).at("manifest"), "as listed");
  EXPECT_EQ(list.at("files").at(0).at("licence"), "CC BY-SA 3.0");
  EXPECT_THAT(run_program("data list" + where).out, HasSubstr("nq_open/validation.jsonl"));
}

TEST(Data, TasksAreNamesToo) {
  data::RowsServer server([](const std::string& target, std::size_t) { return hub(target, 5); });
  const TempFolder folder;
  const auto paths = [&](const std::string& names) {
    std::set<std::string> out;
    const auto pulled = run_program(fmt::format("data pull {} --json --base-url {} --data {}",
                                                names,
                                                server.url(),
                                                folder.path().string()));
    EXPECT_EQ(pulled.exit_code, 0) << pulled.err;
    for (const auto& file : nlohmann::json::parse(pulled.out)) {
      out.insert(std::filesystem::relative(file.at("path").get<std::string>(), folder.path()));
    }
    return out;
  };
  using Paths = std::set<std::string>;
  EXPECT_EQ(paths("truthfulqa_mc1 truthfulqa_mc2"), Paths{"truthfulqa/validation.jsonl"});
  EXPECT_EQ(paths("mmlu_anatomy"), (Paths{"mmlu/anatomy/test.jsonl", "mmlu/anatomy/dev.jsonl"}));
  EXPECT_EQ(paths("piqa"), Paths{"piqa/validation.jsonl"});
  EXPECT_EQ(paths("piqa_5shot"), (Paths{"piqa/validation.jsonl", "piqa/train.jsonl"}));
  EXPECT_EQ(paths("boolq --examples"), (Paths{"boolq/validation.jsonl", "boolq/train.jsonl"}));
  EXPECT_EQ(paths("gsm8k_cot"), Paths{"gsm8k/test.jsonl"});
  EXPECT_EQ(paths("humaneval"), Paths{"humaneval/HumanEval.jsonl"});
  EXPECT_EQ(paths("mmlu").size(), 114U);
}

TEST(Data, EveryTaskOfTheProgramCanBePulled) {
  for (const eval::TaskRow& row : eval::task_table()) {
    const std::string name(row.name);
    if (name.starts_with("demo_") || name.find("FILE") != std::string::npos) {
      continue;  // in the repository, or the user's own
    }
    const auto files = eval::task_files(name).take();
    EXPECT_TRUE(std::ranges::any_of(files.evaluated, [](const std::string& path) {
      return data::catalog_file(path).has_value();
    })) << name;
  }
}

TEST(Data, SaysWhatIsWrong) {
  const auto unknown = run_program("data pull arc_eazy");
  EXPECT_EQ(unknown.exit_code, 3);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean 'arc_easy'?"));
  EXPECT_EQ(run_program("data").exit_code, 2);
  const TempFolder folder;
  const auto refused =
      run_program("data pull gsm8k -q --base-url ftp://127.0.0.1 --data " + folder.path().string());
  EXPECT_EQ(refused.exit_code, 5);
}

}  // namespace
}  // namespace nibble::app
