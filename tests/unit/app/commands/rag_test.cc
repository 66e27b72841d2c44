// The commands of `nibble rag` as users type them; each needs the index that another made.
#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "support/encoder.h"
#include "support/files.h"

namespace nibble::app {
namespace {

using nibble::testing::run_program;
using nibble::testing::TempFolder;
using nibble::testing::write_file;
using ::testing::HasSubstr;
using ::testing::StartsWith;

Json parse(const std::string& text) {
  return parse_json(text, "output").take();
}

class Rag : public ::testing::Test {
 protected:
  Rag() {
    std::filesystem::create_directory(folder_ / "docs");
    write_file(folder_ / "docs/cats.md", "# Cats\n\nThe cat sleeps on a mat.\n");
    write_file(folder_ / "docs/dogs.txt", "A dog runs after the ball.\n");
    write_file(folder_ / "questions.jsonl",
               "{\"_id\": \"1\", \"text\": \"Where do cats sleep?\"}\n"
               "{\"_id\": \"2\", \"text\": \"What is the dog running after?\"}\n"
               "{\"_id\": \"3\", \"text\": \"Not judged\"}\n");
    write_file(folder_ / "judged.tsv",
               "query-id\tcorpus-id\tscore\n1\tcats.md\t1\n2\tdogs.txt\t1\n2\tcats.md\t1\n");
  }
  std::string path(std::string_view name) const { return (folder_ / name).string(); }
  testing::CommandResult index(const std::string& options = "") {
    return run_program("rag index " + path("docs") + " -o " + path("i.rag") + " " + options);
  }
  TempFolder folder_;
};

TEST_F(Rag, IndexesSearchesAndIndexesAgain) {
  const auto first = index("--json");
  ASSERT_EQ(first.exit_code, 0) << first.err;
  EXPECT_EQ(parse(first.out)["new"], 2);
  const auto found = run_program("rag search --json " + path("i.rag") + " \"sleeping cats\"");
  ASSERT_EQ(found.exit_code, 0) << found.err;
  const Json json = parse(found.out);
  EXPECT_EQ(json["mode"], "bm25");
  EXPECT_EQ(json["passages"].size(), 1U);
  EXPECT_EQ(json["passages"][0]["document"], "cats.md");
  EXPECT_EQ(json["passages"][0]["title"], "Cats");
  write_file(folder_ / "docs/dogs.txt", "A dog sleeps, too.\n");
  const Json second = parse(index("--json").out);
  EXPECT_EQ(second["changed"], 1);
  EXPECT_EQ(second["same"], 1);
  EXPECT_THAT(run_program("rag search " + path("i.rag") + " sleeping").out, HasSubstr("dogs.txt"));
}

TEST_F(Rag, WhatIsNotSaidOfAnIndexIsAsItWasMade) {
  ASSERT_EQ(index("--passages words:3:1").exit_code, 0);
  const auto again = index("--json");
  ASSERT_EQ(again.exit_code, 0) << again.err;
  EXPECT_EQ(parse(again.out)["same"], 2);
  const auto other = index("--passages words:4:1");
  EXPECT_EQ(other.exit_code, 8);
  EXPECT_THAT(other.err, HasSubstr("was made with passages 'words:3:1', given is 'words:4:1'"));
}

TEST_F(Rag, AQuestionWithoutAKnownWordFindsNothing) {
  index();
  const auto found = run_program("rag search " + path("i.rag") + " \"Wo schläft Katze\"");
  EXPECT_EQ(found.exit_code, 0);
  EXPECT_EQ(found.out, "");
  EXPECT_THAT(found.err, HasSubstr("no passage has a word of the question"));
}

TEST_F(Rag, EvalScoresTheJudgedQuestionsAndWritesARun) {
  index();
  const auto result =
      run_program("rag eval --json " + path("i.rag") + " --questions " + path("questions.jsonl") +
                  " --judgements " + path("judged.tsv") + " --run " + path("run.txt"));
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json metrics = parse(result.out)["metrics"];
  EXPECT_EQ(metrics[0]["name"], "ndcg@10");
  EXPECT_EQ(metrics[0]["n"], 2);
  // Question 1 has all; of question 2 one document of two stands first.
  EXPECT_NEAR(
      metrics[0]["value"].get<double>(), (1.0 + 1.0 / (1.0 + 1.0 / std::log2(3.0))) / 2, 1e-9);
  EXPECT_NEAR(metrics[2]["value"].get<double>(), 0.75, 1e-9);
  const std::string run = nibble::testing::read_file(folder_ / "run.txt");
  EXPECT_THAT(run, StartsWith("1 Q0 cats.md 1 "));
  EXPECT_THAT(run, HasSubstr("2 Q0 dogs.txt 1 "));
}

TEST_F(Rag, EvalComparesTwoRunsPaired) {
  // Of question 1 both have the answer first; of question 2 A has both documents, B one of them.
  write_file(folder_ / "a.run",
             "1 Q0 cats.md 1 2 a\n2 Q0 dogs.txt 1 2 a\n2 Q0 cats.md 2 1 a\n3 Q0 x 1 1 a\n");
  write_file(folder_ / "b.run", "1 Q0 cats.md 1 2 b\n2 Q0 other 1 2 b\n2 Q0 cats.md 2 1 b\n");
  const std::string command =
      "rag eval --compare " + path("a.run") + " " + path("b.run") + " --judgements ";
  const auto result = run_program(command + path("judged.tsv") + " --json");
  ASSERT_EQ(result.exit_code, 0) << result.err;
  const Json metrics = parse(result.out)["metrics"];
  const double second = 1.0 / std::log2(3.0);
  EXPECT_EQ(metrics[0]["name"], "ndcg@10");
  EXPECT_EQ(metrics[0]["n"], 2);
  EXPECT_NEAR(metrics[0]["a"].get<double>(), 1.0, 1e-12);
  EXPECT_NEAR(metrics[0]["b"].get<double>(), (1.0 + second / (1.0 + second)) / 2, 1e-12);
  EXPECT_NEAR(metrics[1]["difference"].get<double>(), -0.25, 1e-12) << "MRR of question 2 is 1/2";
  EXPECT_NEAR(metrics[2]["difference"].get<double>(), -0.25, 1e-12) << "half of two documents";
  EXPECT_EQ(metrics[0]["worse"], 1);
  EXPECT_EQ(metrics[0]["better"], 0);
  EXPECT_THAT(run_program(command + path("judged.tsv")).out, HasSubstr("ndcg@10           2"));
  EXPECT_EQ(run_program(command + path("nothing.tsv")).exit_code, 3);
  EXPECT_EQ(run_program("rag eval --compare " + path("a.run")).exit_code, 2);
  EXPECT_EQ(run_program("rag eval").exit_code, 2);
}

TEST_F(Rag, ErrorsSayWhatIsWanted) {
  const auto empty = run_program("rag index " + path("none") + " -o " + path("i.rag"));
  EXPECT_EQ(empty.exit_code, 3);
  EXPECT_THAT(empty.err, HasSubstr("no such file or folder"));
  EXPECT_EQ(index("--passages lines:3").exit_code, 2);
  EXPECT_THAT(index("--passages tokens:3").err, HasSubstr("give --encoder"));
  index();
  EXPECT_EQ(index("--passages words:5").exit_code, 8);
  EXPECT_EQ(run_program("rag search " + path("i.rag") + " \" \"").exit_code, 2);
  EXPECT_EQ(run_program("rag search " + path("i.rag") + " cat --mode dense").exit_code, 2);
  EXPECT_EQ(run_program("rag search " + path("docs/dogs.txt") + " cat").exit_code, 3);
  EXPECT_EQ(run_program("rag").exit_code, 2);
}

TEST_F(Rag, MiniLmFindsMeaning) {
  NIBBLE_NEEDS_FILE(encoder, nibble::testing::encoder_model());
  const auto made = index("--encoder " + encoder.string());
  ASSERT_EQ(made.exit_code, 0) << made.err;
  const auto found =
      run_program("rag search --mode dense --json " + path("i.rag") + " \"a resting feline\"");
  ASSERT_EQ(found.exit_code, 0) << found.err;
  EXPECT_EQ(parse(found.out)["passages"][0]["document"], "cats.md");
  const auto hybrid = run_program("rag search --json -k 1 " + path("i.rag") + " \"a running dog\"");
  EXPECT_EQ(parse(hybrid.out)["mode"], "hybrid");
  EXPECT_EQ(parse(hybrid.out)["passages"][0]["document"], "dogs.txt");
  const auto other = index("--encoder " + encoder.string() + " --encoder-codec int8g32s");
  EXPECT_EQ(other.exit_code, 8);
}

}  // namespace
}  // namespace nibble::app
