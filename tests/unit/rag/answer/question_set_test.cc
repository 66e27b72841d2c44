#include "rag/answer/question_set.h"

#include <gmock/gmock.h>

#include "support/files.h"

namespace nibble::rag {
namespace {

using nibble::testing::data_folder;
using nibble::testing::source_path;
using nibble::testing::TempFolder;
using nibble::testing::write_file;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

std::size_t n_gold(const OpenQuestion& question) {
  std::size_t n = 0;
  for (const Offer& offer : question.offers) {
    n += offer.is_gold ? 1U : 0U;
  }
  return n;
}

/// A folder with one file of a set, and what reading it says.
class BrokenSet : public ::testing::Test {
 protected:
  std::string read(std::string_view set, std::string_view file, std::string_view text) {
    const std::filesystem::path path = folder_ / file;
    std::filesystem::create_directories(path.parent_path());
    write_file(path, text);
    const auto out = read_question_set(set, folder_.path());
    return out ? "read" : out.failure().message;
  }
  std::string place(std::string_view file, std::string_view rest) const {
    return (folder_ / file).string() + std::string(rest);
  }
  TempFolder folder_;
};

TEST(QuestionSets, NamesAreCheckedWithoutData) {
  EXPECT_TRUE(check_question_set_name("squad"));
  EXPECT_TRUE(check_question_set_name("rgb_noise:20"));
  EXPECT_TRUE(check_question_set_name("nowhere/mine.jsonl"));
  EXPECT_THAT(check_question_set_name("squat").failure().message,
              HasSubstr("(did you mean 'squad'?)"));
  EXPECT_FALSE(check_question_set_name("squad:3"));  // it takes no argument
}

TEST(QuestionSets, EachOfTheFolderIsRead) {
  NIBBLE_NEEDS_FILE(data, data_folder());
  const auto read = [&](std::string_view name) { return read_question_set(name, data).take(); };
  const auto squad = read("squad");
  EXPECT_EQ(squad->questions.size(), 7793U);
  EXPECT_LT(squad->passages.size(), 2067U);  // a passage for several questions
  EXPECT_EQ(n_gold(squad->questions.front()), 1U);
  const auto nq = read("nq");
  EXPECT_EQ(nq->questions.size(), 1976U);
  EXPECT_EQ(nq->questions.front().answers, std::vector<std::string>{"till September"});
  const auto hotpot = read("hotpotqa");
  EXPECT_EQ(hotpot->questions.size(), 100U);
  EXPECT_EQ(n_gold(hotpot->questions.front()), 2U);
  EXPECT_EQ(hotpot->questions.front().offers.size(), 10U);
  const auto musique = read("musique");
  EXPECT_EQ(musique->questions.front().offers.size(), 20U);
  EXPECT_EQ(musique->questions.front().answers.size(), 2U);
  EXPECT_EQ(read("nq_open")->questions.size(), 2708U);
  EXPECT_EQ(read("triviaqa")->questions.front().question,
            "Brunswick, Lancastrian and Pearl Pickler are types of which vegetable?");
  EXPECT_EQ(read("drop")->questions.size(), 750U);
  const auto quac = read("quac");
  EXPECT_FALSE(quac->questions.front().is_answerable);
  EXPECT_THAT(quac->questions.front().question,
              StartsWith("what happened in 1983?\nAnswer: In May 1983"));
  EXPECT_THAT(quac->passages.front().title, StartsWith("Anna Vissi: 1983-1989"));
}

TEST(QuestionSets, RgbMixesPassages) {
  NIBBLE_NEEDS_FILE(data, data_folder());
  const auto noise = read_question_set("rgb_noise", data).take();
  EXPECT_EQ(noise->questions.size(), 100U);
  const auto clean = read_question_set("rgb_noise:0", data).take();
  const auto n_all = [](const QuestionSet& set) {
    std::size_t n = 0;
    for (const OpenQuestion& question : set.questions) {
      n += n_gold(question);
      EXPECT_LE(question.offers.size(), 5U);
    }
    return n;
  };
  EXPECT_GT(n_all(*clean), n_all(*noise));
  const auto rejection = read_question_set("rgb_rejection", data).take();
  EXPECT_EQ(n_all(*rejection), 0U);
  EXPECT_FALSE(rejection->questions.front().is_answerable);
  const auto counterfactual = read_question_set("rgb_counterfactual", data).take();
  EXPECT_EQ(counterfactual->questions.front().wrong_answer, "Glendale, Arizona");
  EXPECT_THAT(read_question_set("rgb_integration", data).failure().message,
              HasSubstr("no data file, wanted en_int.json"));
  EXPECT_THAT(read_question_set("rgb_noise:100", data).failure().message,
              HasSubstr("wanted a whole number of percent from 0 to 80"));
}

TEST(QuestionSets, TheDemoCorpus) {
  const auto demo = read_question_set("demo", source_path("examples")).take();
  EXPECT_EQ(demo->questions.size(), 180U);
  EXPECT_EQ(demo->passages.size(), 60U);
  EXPECT_EQ(demo->questions.front().id, "q001");
  EXPECT_TRUE(demo->questions.front().offers.front().is_gold);
}

TEST(QuestionSets, IntegrationTakesOneOfEachPart) {
  const TempFolder folder;
  std::filesystem::create_directory(folder / "rgb");
  write_file(folder / "rgb/en_int.json",
             R"({"id": 4, "query": "Who and when?", "answer": [["Ann", "Anne"], "1902"],)"
             R"( "positive": [["p1", "p2"], ["q1"]], "negative": ["n1", "n2", "n3"]})");
  const auto set = read_question_set("rgb_integration", folder.path()).take();
  const OpenQuestion& question = set->questions.front();
  EXPECT_THAT(question.groups, ElementsAre(ElementsAre("Ann", "Anne"), ElementsAre("1902")));
  EXPECT_EQ(n_gold(question), 3U);
  EXPECT_EQ(question.offers.size(), 5U);
}

TEST(QuestionSets, NamesTheNearestOfAnUnknownName) {
  const auto unknown = read_question_set("hotpotq", ".");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.failure().code, ErrorCode::kNotFound);
  EXPECT_THAT(unknown.failure().message, HasSubstr("did you mean 'hotpotqa'?"));
  EXPECT_EQ(read_question_set("squad:3", ".").failure().code, ErrorCode::kNotFound);
  for (const QuestionSetRow& row : question_set_table()) {
    EXPECT_FALSE(row.summary.empty()) << row.name;
  }
}

TEST_F(BrokenSet, OwnFilesAreReadLineByLine) {
  write_file(folder_ / "mine.jsonl",
             R"({"id": "a", "question": "Who?", "answers": ["Ann"], "documents":)"
             R"( [{"title": "T", "text": "Ann did.", "gold": true}, {"text": "Rain."}]})"
             "\n"
             R"({"question": "When?", "answerable": false})");
  const auto set = read_question_set((folder_ / "mine.jsonl").string(), ".").take();
  EXPECT_EQ(set->name, "mine");
  ASSERT_EQ(set->questions.size(), 2U);
  EXPECT_EQ(n_gold(set->questions[0]), 1U);
  EXPECT_EQ(set->questions[1].id, "line-2");
  EXPECT_FALSE(set->questions[1].is_answerable);
}

TEST_F(BrokenSet, OwnLinesSayWhatTheyLack) {
  const auto own = [&](std::string_view lines) {
    write_file(folder_ / "m.jsonl", lines);
    return read_question_set((folder_ / "m.jsonl").string(), ".").failure().message;
  };
  const std::string good = R"({"id": "a", "question": "Who?", "answers": ["Ann"]})";
  EXPECT_EQ(own(good + "\n{\"answers\": [\"x\"]}"),
            place("m.jsonl", ":2: no 'question', wanted a text"));
  EXPECT_EQ(own(R"({"question": " ", "answers": ["x"]})"),
            place("m.jsonl", ":1: the question is empty"));
  EXPECT_EQ(own(R"({"question": "Who?", "answers": [" "]})"),
            place("m.jsonl", ":1: no answer that is not empty"));
  EXPECT_EQ(own(R"({"question": "Who?", "answers": ["x"], "documents": [{"gold": true}]})"),
            place("m.jsonl", ":1: no 'text', wanted a text"));
  EXPECT_THAT(own(good + "\n{\"question\": "), HasSubstr("m.jsonl:2"));
  EXPECT_THAT(own(good + "\n" + good), HasSubstr("questions 1 and 2 have one id, 'a'"));
  EXPECT_THAT(own("\"caf\xE9\""), HasSubstr("not UTF-8 at byte 4"));
}

TEST_F(BrokenSet, EverySetSaysWhere) {
  EXPECT_THAT(read("squad", "squad/dev-v1.1.json", R"({"data": [{"paragraphs": [{"qas": []}]}]})"),
              HasSubstr("data[0].paragraphs[0]: no text 'context'"));
  EXPECT_EQ(
      read("nq",
           "lost_in_the_middle/nq-open-oracle.jsonl",
           R"({"question": "q", "answers": ["a"], "ctxs": [{"title": "t", "text": "x"}]})"),
      place("lost_in_the_middle/nq-open-oracle.jsonl", ":1: no 'isgold', wanted true or false"));
  EXPECT_EQ(read("hotpotqa",
                 "hotpotqa/hotpotqa_train.json",
                 R"([{"_id": "1", "question": "q", "answer": "a", "supporting_facts": [["T", 0]],)"
                 R"( "context": [["U", ["x"]]]}])"),
            place("hotpotqa/hotpotqa_train.json",
                  ": question 1: none of its passages supports the answer"));
  EXPECT_THAT(read("musique", "musique/musique_train.json", "{}"),
              HasSubstr("wanted a list of questions"));
  EXPECT_THAT(read("musique", "musique/musique_train.json", "[\n{]"),
              HasSubstr("musique_train.json:2:"));
  EXPECT_EQ(
      read("triviaqa",
           "triviaqa/triviaqa_sm_sub.jsonl",
           R"({"context": "Who?", "answer": "a", "aliases": []})"),
      place("triviaqa/triviaqa_sm_sub.jsonl", ":1: 'context' is no \"Question: …\\nAnswer:\""));
  EXPECT_EQ(
      read("quac",
           "quac/quac.jsonl",
           R"({"context": "Title: T\n\nQuestion: q?", "answer": "a", "aliases": []})"),
      place("quac/quac.jsonl", ":1: 'context' has nothing between 'Background:' and 'Section:'"));
  EXPECT_EQ(read("drop",
                 "drop/dev_sample.jsonl",
                 R"({"query_id": "1", "passage": "p", "question": "q", "answers": [[3]]})"),
            place("drop/dev_sample.jsonl", ":1: an answer is no list of texts"));
  EXPECT_EQ(read("rgb_noise",
                 "rgb/en_fact.json",
                 R"({"id": 1, "query": "q", "answer": [3], "positive": [], "negative": []})"),
            place("rgb/en_fact.json", ":1: 'answer' is no list of texts or of lists of texts"));
  write_file(folder_ / "passages.jsonl", R"({"id": "p1", "title": "T", "text": "x"})");
  EXPECT_EQ(read("demo",
                 "questions.jsonl",
                 R"({"id": "q1", "passage": "p2", "question": "Why?", "answers": ["y"]})"),
            place("questions.jsonl", ":1: there is no passage 'p2'"));
}

}  // namespace
}  // namespace nibble::rag
