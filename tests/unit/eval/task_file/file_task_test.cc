#include "eval/task_file/file_task.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/files.h"
#include "text/chat_template.h"

namespace nibble::eval {
namespace {

using nibble::testing::TempFolder;
using nibble::testing::write_file;

class FileTasks : public ::testing::Test {
 protected:
  void write(std::string_view path, std::string_view text) {
    std::filesystem::create_directories((folder_ / path).parent_path());
    write_file(folder_ / path, text);
  }
  std::unique_ptr<Task> make(std::string_view name, TaskOptions options = {}) {
    options.data = folder_.path();
    return make_task(name, options).take();
  }
  std::string error(std::string_view name) {
    return make_task(name, {.data = folder_.path()}).failure().message;
  }
  static const LoglikelihoodRequest& request(const Sample& sample, std::size_t k) {
    return std::get<LoglikelihoodRequest>(sample.requests.at(k));
  }
  TempFolder folder_;
};

// The prompts below are those that the reference made of the same invented rows.
TEST_F(FileTasks, HellaswagIsCleanedAndCapitalized) {
  write(
      "hellaswag/validation.jsonl",
      R"({"activity_label": "Removing ice", "ctx_a": "A man 0 sits.", "ctx_b": "he watches TV [step] ok", "endings": [" goes  home.", "b [title] c", "[header] x", "a [x\ny] b", "four    blanks"], "label": "1"})");
  const Sample sample = make("hellaswag")->sample(0);
  EXPECT_EQ(sample.prompt, "Removing ice: A man 0 sits. He watches tv ok");
  EXPECT_EQ(request(sample, 0).continuation, " goes home.");
  EXPECT_EQ(request(sample, 1).continuation, " b. c");
  EXPECT_EQ(request(sample, 2).continuation, "  x");
  EXPECT_EQ(request(sample, 3).continuation, " a [x\ny] b");  // a bracket ends on its line
  EXPECT_EQ(request(sample, 4).continuation, " four  blanks");
  EXPECT_EQ(sample.target, "b. c");
}

TEST_F(FileTasks, WinograndeScoresWhatFollows) {
  write(
      "winogrande/validation.jsonl",
      R"({"sentence": "Ann met Bea so _ was late.", "option1": "Ann", "option2": "Bea", "answer": "2"})");
  const auto task = make("winogrande");
  const Sample sample = task->sample(0);
  EXPECT_EQ(request(sample, 0).context, "Ann met Bea so Ann");
  EXPECT_EQ(request(sample, 1).context, "Ann met Bea so Bea");
  EXPECT_EQ(request(sample, 1).continuation, " was late.");
  const std::vector<Response> responses = {LoglikelihoodResponse{.logprob = -3},
                                           LoglikelihoodResponse{.logprob = -2}};
  EXPECT_EQ(task->score(sample, responses).scores.at("acc")->sum, 1);
  EXPECT_EQ(task->score(sample, responses).answer, "Ann met Bea so Bea");
}

TEST_F(FileTasks, OthersAsTheReferencePutThem) {
  write("boolq/validation.jsonl", R"({"passage": "P0.", "question": "is it so", "label": 1})");
  EXPECT_EQ(make("boolq")->sample(0).prompt, "P0.\nQuestion: is it so?\nAnswer:");
  write("lambada/test.jsonl", R"({"text": "In the end he said hello world"})");
  const Sample lambada = make("lambada_openai")->sample(0);
  EXPECT_EQ(lambada.prompt, "In the end he said hello");
  EXPECT_EQ(request(lambada, 0).continuation, " world");
  write("squad_completion/validation.jsonl",
        R"({"text": " Blah blah. The team is ", "value": " x "})");
  const auto completion =
      std::get<GenerationRequest>(make("squad_completion")->sample(0).requests[0]);
  EXPECT_EQ(completion.prompt, "Blah blah. The team is");
  EXPECT_EQ(completion.stop, std::vector<std::string>{"\n\n"});
  EXPECT_EQ(completion.max_tokens, 256U);
  write(
      "social_iqa/validation.jsonl",
      R"({"context": "A left.", "question": "Why?", "answerA": "x", "answerB": "y", "answerC": "z", "label": "3"})");
  EXPECT_EQ(make("social_iqa")->sample(0).prompt, "Q: A left. Why?\nA:");
  EXPECT_EQ(make("social_iqa")->sample(0).target, "z");
  write(
      "commonsense_qa/validation.jsonl",
      R"({"id": "1", "question": " Where? ", "choices": {"text": ["p", "q", "r", "s", "t"]}, "answerKey": "D"})");
  EXPECT_EQ(make("commonsense_qa")->sample(0).prompt,
            "Question: Where?\nA. p\nB. q\nC. r\nD. s\nE. t\nAnswer:");
  EXPECT_EQ(make("commonsense_qa")->sample(0).target, "D");
}

TEST_F(FileTasks, RowsOfTheHubAreReadToo) {
  write(
      "drop/validation.jsonl",
      R"({"query_id": "1", "passage": "P.", "question": "Q?", "answer": {"number": "12", "date": {"day": "", "month": "", "year": ""}, "spans": [], "worker_id": "", "hit_id": ""}, "validated_answers": {"number": ["", "", "12"], "date": [{"day": "1", "month": "May", "year": ""}, {"day": "", "month": "", "year": ""}, {"day": "", "month": "", "year": ""}], "spans": [[], ["a", "b"], []], "worker_id": ["", "", ""], "hit_id": ["", "", ""]}})");
  const auto drop = make("drop");
  const Sample sample = drop->sample(0);
  EXPECT_EQ(sample.prompt, "P. Q?");
  const auto score = [&](const char* text) {
    const Response response = GenerationResponse{.text = text};
    return drop->score(sample, {&response, 1}).scores.at("em")->sum;
  };
  EXPECT_EQ(score("12"), 1);
  EXPECT_EQ(score("May 1"), 0);
  EXPECT_EQ(score("1 May"), 1);
  write(
      "coqa/validation.jsonl",
      R"({"id": "1", "story": "S", "questions": {"input_text": ["Q1?", "Q2?"]}, "answers": {"input_text": ["x", "White"]}, "additional_answers": {"0": {"input_text": ["x", "white"]}, "1": {"input_text": ["x", "pale"]}}})");
  const auto coqa = make("coqa");
  EXPECT_EQ(coqa->sample(0).prompt, "S\n\nQ: Q1?\n\nA: x\n\nQ: Q2?\n\nA:");
  const Response pale = GenerationResponse{.text = " pale\nmore"};
  EXPECT_EQ(coqa->score(coqa->sample(0), {&pale, 1}).scores.at("em")->sum, 0.5);
  write(
      "truthfulqa/validation.jsonl",
      R"({"question": "Why?", "mc1_targets": {"choices": ["x", "y"], "labels": [1, 0]}, "mc2_targets": {"choices": ["x", "y"], "labels": [0, 1]}})");
  EXPECT_EQ(make("truthfulqa_mc1")->sample(0).target, "x");
  EXPECT_EQ(make("truthfulqa_mc2")->sample(0).target, "y");
}

TEST_F(FileTasks, GsmOfThoughtHasItsOwnExamples) {
  write("gsm8k/test.jsonl", R"({"question": "How many?", "answer": "1+1\n#### 2"})");
  const Sample sample = make("gsm8k_cot")->sample(0);
  EXPECT_TRUE(sample.prompt.starts_with("Q: There are 15 trees in the grove."));
  EXPECT_TRUE(sample.prompt.ends_with("23 - 15 is 8. The answer is 8.\n\nQ: How many?\nA:"));
  EXPECT_EQ(sample.target, "2");
  EXPECT_EQ(make("gsm8k_cot_2shot")->info().n_shots, 2U);
  EXPECT_EQ(make("gsm8k_0shot")->sample(0).prompt, "Question: How many?\nAnswer:");
  EXPECT_EQ(error("gsm8k"),
            "task gsm8k: " + (folder_ / "gsm8k").string() +
                ": no file of solved examples, wanted train.jsonl (or .gz)");
}

TEST_F(FileTasks, SubjectsOneByOneByGroupAndTogether) {
  for (const char* subject : {"anatomy", "law"}) {
    write(fmt::format("own/{}.csv", subject), "Q1,A\nQ2,B\nQ3,A\n");
  }
  write("own.toml", R"(name = "own"
version = 1
kind = "choice"
summary = "s"
metrics = ["acc"]
[data]
folder = "own"
files = ["{subject}.csv"]
csv_columns = ["q", "a"]
[prompt]
description = "About {{ subject }}.\n"
text = "{{ q }}"
choices = "{{ ['A', 'B'] }}"
target = "{{ a }}"
[subjects]
body = ["anatomy"]
rules = ["law"]
)");
  const std::string name = (folder_ / "own.toml").string();
  const auto all = make(name);
  ASSERT_EQ(all->n_samples(), 6U);
  EXPECT_EQ(all->sample(3).id, "law/0");
  EXPECT_EQ(all->sample(3).prompt, "About law.\nQ1");
  const auto two_each = make(name + "_0shot", {.data = {}, .limit = 2});  // as lm-eval's limit
  EXPECT_EQ(two_each->info().name, "own_0shot");
  ASSERT_EQ(two_each->n_samples(), 4U);
  EXPECT_EQ(two_each->sample(1).id, "anatomy/1");
  EXPECT_EQ(two_each->sample(2).id, "law/0");
  const std::vector<TaskPartInfo>& parts = two_each->info().parts;
  ASSERT_EQ(parts.size(), 2U);
  EXPECT_EQ(parts[1].name, "own_law_0shot");
  EXPECT_EQ(parts[1].group, "own_rules_0shot");
  EXPECT_EQ(parts[1].first, 2U);
  EXPECT_EQ(parts[1].n_samples, 2U);
  EXPECT_EQ(parts[1].n_documents, 3U);
}

TEST_F(FileTasks, FiltersShowWhatTheyLeave) {
  write("gsm8k/test.jsonl",
        R"({"question": "How many?", "answer": "#### 3"})"
        "\n");
  const auto task = make("gsm8k_0shot");
  EXPECT_THAT(task->info().filters, ::testing::ElementsAre("strict-match", "flexible-extract"));
  const Sample sample = task->sample(0);
  EXPECT_EQ(task->filtered(0, sample, "2 and 4"), "[invalid]");
  EXPECT_EQ(task->filtered(1, sample, "2 and 4"), "4");
}

TEST_F(FileTasks, AUsersFileNamesItselfAndItsHash) {
  write("own.jsonl", "{\"q\": \"Why\", \"c\": [\"x\", \"y\"], \"a\": 1}\n");
  write("own.toml",
        "name = \"own\"\nversion = 3\nkind = \"choice\"\nsummary = \"s\"\nmetrics = [\"acc\"]\n"
        "[data]\nfiles = [\"own.jsonl\"]\n[prompt]\ntext = \"{{ q }}?\"\nchoices = \"{{ c }}\"\n"
        "target = \"{{ a }}\"\n");
  const std::string name = (folder_ / "own.toml").string();
  const auto task = make_task(name, {.data = "/nowhere"}).take();  // data beside the file
  EXPECT_EQ(task->info().name, "own");
  EXPECT_EQ(task->info().version, 3);
  EXPECT_EQ(task->info().n_shots, 0U);
  EXPECT_NE(task->info().protocol.find("; task file "), std::string::npos);
  EXPECT_TRUE(check_task_name(name));
  EXPECT_FALSE(check_task_name((folder_ / "none.toml").string()));
  EXPECT_EQ(make_task(name + "_1shot", {.data = "/nowhere"}).failure().code,
            ErrorCode::kInvalidArgument);  // it names no examples
}

TEST_F(FileTasks, AChatLeavesTheDelimiterOut) {
  write("piqa/validation.jsonl", R"({"goal": "g", "sol1": "a", "sol2": "b", "label": 0})");
  const auto chat = text::ChatTemplate::parse(
                        "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<bot>", {})
                        .take();
  const auto task = make("piqa", {.data = {}, .chat = {&chat, "S", true}});
  EXPECT_EQ(request(task->sample(0), 0).context, "<system>S<user>Question: g\nAnswer:<bot>");
  EXPECT_EQ(request(task->sample(0), 0).continuation, "a");
  EXPECT_NE(task->info().protocol.find("chat template, examples as turns; system message"),
            std::string::npos);
}

TEST_F(FileTasks, LockedShotsAndMalformedRowsAreToldAtOnce) {
  write("truthfulqa/validation.jsonl",
        R"({"question": "Why?", "mc1_targets": {"choices": ["x"]}})");
  EXPECT_EQ(error("truthfulqa_mc1_5shot"),
            "task truthfulqa_mc1_5shot: the number of solved examples is fixed at 0");
  write(
      "arc_easy/test.jsonl",
      R"({"id": "q1", "question": "Why?", "choices": {"text": ["x", "y"], "label": ["1", "2"]}, "answerKey": "C"})");
  EXPECT_EQ(error("arc_easy"),
            "task arc_easy: " + (folder_ / "arc_easy/test.jsonl").string() +
                ": row 1: target: 'C' is not in the list");
}

TEST_F(FileTasks, PerplexityCountsAnotherFormOfTheText) {
  write("own.jsonl", "{\"page\": \"a  b\", \"clean\": \"ab\"}\n");
  write("own.toml",
        "name = \"own\"\nversion = 1\nkind = \"perplexity\"\nsummary = \"s\"\n"
        "metrics = [\"word_perplexity\"]\n[data]\nfiles = [\"own.jsonl\"]\n[prompt]\n"
        "text = \"{{ clean }}\"\ncounted = \"{{ page }}\"\n");
  const auto task = make((folder_ / "own.toml").string());
  EXPECT_EQ(std::get<RollingRequest>(task->sample(0).requests[0]).text, "ab");
  const Response response = LoglikelihoodResponse{.logprob = -6, .n_tokens = 1};
  const auto scores = task->score(task->sample(0), {&response, 1}).scores;
  EXPECT_EQ(scores.at("word_perplexity")->weight, 2);
  EXPECT_EQ(scores.at("byte_perplexity")->weight, 4);
  EXPECT_EQ(task->info().metrics.front().name, "word_perplexity");
}

}  // namespace
}  // namespace nibble::eval
