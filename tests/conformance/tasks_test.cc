/// What every task promises, checked for each row of the table of tasks with scripted answers.
///
/// A new row needs a small data set in `write_data`.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <limits>
#include <map>
#include <set>

#include "eval/task.h"
#include "eval/task_file/definition.h"
#include "support/files.h"
#include "unit/eval/fake_tokenizer.h"

namespace nibble::eval {
namespace {

using nibble::testing::TempFolder;
using nibble::testing::write_file;

constexpr std::size_t kRows = 4;
constexpr std::size_t kLongText = 1600;  // four of them make several windows of 2048 tokens

/// Four copies of `pattern`, in which "#" becomes the number of the copy.
std::string rows(std::string_view pattern) {
  std::string out;
  for (std::size_t i = 0; i < kRows; ++i) {
    for (const char c : pattern) {
      out += c == '#' ? static_cast<char>('0' + i) : c;
    }
    out += '\n';
  }
  return out;
}

struct TaskFile {
  std::string_view path;
  std::string_view row;
};
/// What the tasks that are files read: four rows of the pattern each.
constexpr TaskFile kTaskFiles[] = {
    {"arc_easy/test.jsonl",
     R"({"id": "q#", "question": "Why #?", "choices": {"text": ["x", "yy"], "label": ["A", "B"]}, "answerKey": "B"})"},
    {"arc_challenge/test.jsonl",
     R"({"id": "q#", "question": "Why #?", "choices": {"text": ["x", "yy"], "label": ["A", "B"]}, "answerKey": "B"})"},
    {"openbookqa/test.jsonl",
     R"({"id": "q#", "question_stem": "Why #", "choices": {"text": ["x", "yy"], "label": ["A", "B"]}, "answerKey": " B"})"},
    {"commonsense_qa/validation.jsonl",
     R"({"id": "q#", "question": "Why #?", "choices": {"text": ["p", "q", "r", "s", "t"], "label": ["A", "B", "C", "D", "E"]}, "answerKey": "D"})"},
    {"hellaswag/validation.jsonl",
     R"({"activity_label": "Ice", "ctx_a": "A man # sits.", "ctx_b": "he", "endings": ["goes", "stays on"], "label": "1"})"},
    {"winogrande/dev.jsonl",
     R"({"sentence": "Ann # thanked Bea because _ was kind.", "option1": "Ann", "option2": "Bea", "answer": "2"})"},
    {"piqa/validation.jsonl", R"({"goal": "open #", "sol1": "pull", "sol2": "push", "label": 1})"},
    {"boolq/dev.jsonl", R"({"question": "is it #", "answer": true, "passage": "It is #."})"},
    {"sciq/test.jsonl",
     R"({"question": "What #?", "distractor1": "a", "distractor2": "b", "distractor3": "c", "correct_answer": "d", "support": " S#"})"},
    {"social_iqa/validation.jsonl",
     R"({"context": "Ann # left.", "question": "Why?", "answerA": "a", "answerB": "b", "answerC": "c", "label": "3"})"},
    {"lambada/test.jsonl", R"({"text": "he said # hello world"})"},
    {"truthfulqa/validation.jsonl",
     R"({"question": "Why #?", "mc1_targets": {"choices": ["x", "y"], "labels": [1, 0]}, "mc2_targets": {"choices": ["x", "y", "z"], "labels": [1, 1, 0]}})"},
    {"gsm8k/test.jsonl", R"({"question": "How many #?", "answer": "1+#\n#### #"})"},
    {"gsm8k/train.jsonl", R"({"question": "How many T#?", "answer": "1+#\n#### #"})"},
    {"gsm8k/train.jsonl", R"({"question": "How many U#?", "answer": "1+#\n#### #"})"},
    {"nq_open/validation.jsonl", R"({"question": "who is #", "answer": ["a mill", "b"]})"},
    {"triviaqa/validation.jsonl",
     R"({"question": "Who is #?", "answer": {"aliases": ["a mill"]}})"},
    {"drop/dev_sample.jsonl",
     R"({"query_id": "d#", "passage": "P#.", "question": "How many?", "answers": [["12"], ["a", "b"]]})"},
    {"coqa/dev_stories.jsonl",
     R"({"id": "c#", "story": "S#", "questions": ["Q1?", "Q2?"], "answers": [["x"], ["a mill", "Mill"]]})"},
    {"squad_completion/validation.jsonl", R"({"text": " The mill # is ", "value": "old "})"},
    {"quac/quac.jsonl", R"({"context": "C#\n\nQuestion: who?", "answer": "x", "aliases": ["y"]})"},
};

void write_mmlu(const TempFolder& folder) {
  std::filesystem::create_directories(folder / "mmlu/test");
  for (const TaskDefinition& task : builtin_definitions()) {
    for (const SubjectGroup& group : task.groups) {
      for (const std::string& subject : group.subjects) {
        write_file(folder / ("mmlu/test/" + subject + "_test.csv"), rows("Why #?,a,b,c,d,B"));
      }
    }
  }
}

void write_data(const TempFolder& folder) {
  for (const char* name : {"wikitext2", "squad", "demo"}) {
    std::filesystem::create_directory(folder / name);
  }
  std::map<std::string, std::string> files;
  for (const TaskFile& file : kTaskFiles) {
    files[std::string(file.path)] += rows(file.row);
  }
  for (const auto& [path, text] : files) {
    std::filesystem::create_directories((folder / path).parent_path());
    write_file(folder / path, text);
  }
  write_file(folder / "wikitext2/wiki.test.raw",
             rows(fmt::format(" = Page # = \n {} ", std::string(kLongText, 'x'))));
  write_file(folder / "squad/dev-v1.1.json", R"({"data": [{"title": "T", "paragraphs": [
    {"context": "C1", "qas": [{"id": "a", "question": "Q1?", "answers": [{"text": "x"}]},
                              {"id": "b", "question": "Q2?", "answers": [{"text": "y"}]}]},
    {"context": "C2", "qas": [{"id": "c", "question": "Q3?", "answers": [{"text": "z"}]}]}]}]})");
  write_file(folder / "demo/passages.jsonl",
             rows(fmt::format(R"({{"id": "p#", "title": "Title #", "text": "A mill # {}."}})",
                              std::string(kLongText, 'y'))));
  write_file(
      folder / "demo/choices.jsonl",
      rows(
          R"({"id": "c#", "passage": "p#", "question": "What?", "choices": ["a mill", "a church"], "answer": 0})"));
  write_file(folder / "demo/questions.jsonl",
             rows(R"({"id": "q#", "passage": "p#", "question": "What?", "answers": ["a mill"]})"));
  std::string own = R"({"id": "o#", "question": "Why?", "choices": ["x", "y"], "answer": 1, )";
  own += R"("answers": ["because"], "text": ")";
  own.append(kLongText, 'z').append("\"}");
  write_file(folder / "own.jsonl", rows(own));
}

/// All of a request as text, so that two can be compared.
std::string text_of(const Request& request) {
  if (const auto* one = std::get_if<LoglikelihoodRequest>(&request)) {
    return fmt::format("{} => {}", one->context, one->continuation);
  }
  if (const auto* one = std::get_if<RollingRequest>(&request)) {
    return fmt::format("{} by {}", one->text, one->max_window);
  }
  if (const auto* one = std::get_if<WindowRequest>(&request)) {
    return fmt::format("{} from {}", fmt::join(one->tokens, " "), one->first_scored);
  }
  if (const auto* one = std::get_if<DivergenceRequest>(&request)) {
    return fmt::format("{} compared from {}", fmt::join(one->tokens, " "), one->first_row);
  }
  const auto& one = std::get<GenerationRequest>(request);
  return fmt::format("{} up to {} or {}", one.prompt, one.max_tokens, fmt::join(one.stop, "|"));
}

std::string text_of(const Sample& sample) {
  std::string out =
      fmt::format("{} {} {} {}\n", sample.index, sample.id, sample.prompt, sample.target);
  for (const Request& request : sample.requests) {
    out += text_of(request);
  }
  return out;
}

/// What a model without surprises says: one nat a token, later choices a little less likely.
Response scripted(const Request& request, std::size_t position) {
  if (std::holds_alternative<GenerationRequest>(request)) {
    return GenerationResponse{.text = "a mill", .n_tokens = 2};
  }
  if (std::holds_alternative<DivergenceRequest>(request)) {
    return DivergenceResponse{.kl = 1, .n_rows = 2, .n_same_top = 1};
  }
  std::size_t n = 1;
  if (const auto* rolling = std::get_if<RollingRequest>(&request)) {
    n = rolling->text.size();
  } else if (const auto* window = std::get_if<WindowRequest>(&request)) {
    n = window->tokens.size() - window->first_scored;
  }
  return LoglikelihoodResponse{.logprob = -static_cast<double>(n + position), .n_tokens = n};
}

std::vector<Response> scripted(const Sample& sample) {
  std::vector<Response> out;
  for (std::size_t i = 0; i < sample.requests.size(); ++i) {
    out.push_back(scripted(sample.requests[i], i));
  }
  return out;
}

/// "choice:FILE" asks for "choice:own.jsonl".
std::string with_file(std::string_view row) {
  const std::size_t at = row.find("FILE");
  return at == std::string_view::npos ? std::string(row)
                                      : fmt::format("{}own.jsonl", row.substr(0, at));
}

class EveryTask : public ::testing::TestWithParam<std::string> {
 protected:
  EveryTask() {
    write_data(folder_);
    if (GetParam().starts_with("mmlu")) {
      write_mmlu(folder_);
    }
  }
  std::unique_ptr<Task> make(std::size_t limit = 0) {
    return make_task(GetParam(), {.data = folder_.path(), .limit = limit, .tokenizer = &tokenizer_})
        .take();
  }
  TempFolder folder_;
  FakeTokenizer tokenizer_;
};

TEST_P(EveryTask, SaysWhatItIs) {
  const auto task = make();
  const TaskInfo& info = task->info();
  EXPECT_EQ(info.name, GetParam());
  EXPECT_GE(info.version, 0);
  EXPECT_FALSE(info.protocol.empty());
  EXPECT_EQ(info.data_hash.size(), 64U);
  std::set<std::string> names;
  for (const MetricRow& metric : info.metrics) {
    EXPECT_TRUE(names.insert(metric.name).second) << metric.name;
    EXPECT_FALSE(metric.unit.empty()) << metric.name;
  }
  EXPECT_FALSE(names.empty());
}

TEST_P(EveryTask, HasAsManySamplesAsItSaysAndAsksThemAlikeEachTime) {
  const auto task = make();
  const auto again = make();
  ASSERT_GE(task->n_samples(), 3U);
  ASSERT_EQ(again->n_samples(), task->n_samples());
  std::set<std::string> ids;
  for (std::size_t i = 0; i < task->n_samples(); ++i) {
    const Sample sample = task->sample(i);
    EXPECT_EQ(sample.index, i);
    EXPECT_FALSE(sample.requests.empty());
    EXPECT_FALSE(sample.prompt.empty());
    EXPECT_TRUE(ids.insert(sample.id).second) << sample.id;
    EXPECT_EQ(text_of(task->sample(i)), text_of(sample));
    EXPECT_EQ(text_of(again->sample(i)), text_of(sample));
  }
  EXPECT_ANY_THROW(static_cast<void>(task->sample(task->n_samples())));
}

/// Of a task with subjects the first of each subject.
TEST_P(EveryTask, ALimitTakesTheFirst) {
  const auto all = make();
  std::map<std::string, std::string> by_id;
  for (std::size_t i = 0; i < all->n_samples(); ++i) {
    Sample sample = all->sample(i);
    sample.index = 0;
    by_id[sample.id] = text_of(sample);
  }
  const auto two = make(2);
  // Of every subject, where the task has subjects.
  const std::size_t n = 2 * std::max<std::size_t>(two->info().parts.size(), 1);
  ASSERT_EQ(two->n_samples(), n);
  for (std::size_t i = 0; i < n; ++i) {
    Sample sample = two->sample(i);
    sample.index = 0;
    EXPECT_EQ(text_of(sample), by_id[sample.id]);
  }
  EXPECT_EQ(two->sample(0).id, all->sample(0).id);
  EXPECT_EQ(make(1000)->n_samples(), all->n_samples());
}

/// Scores for questions with an answer, or without one, alone: the others have none.
bool is_of_one_kind(const MetricRow& metric) {
  return metric.name.starts_with("HasAns_") || metric.name.starts_with("NoAns_");
}

TEST_P(EveryTask, GivesEachMetricOneScore) {
  const auto task = make();
  for (std::size_t i = 0; i < task->n_samples(); ++i) {
    const Sample sample = task->sample(i);
    const SampleResult result = task->score(sample, scripted(sample));
    EXPECT_FALSE(result.answer.empty());
    EXPECT_LE(result.scores.size(), task->info().metrics.size());
    for (const MetricRow& metric : task->info().metrics) {
      const auto found = result.scores.find(metric.name);
      if (found == result.scores.end() && is_of_one_kind(metric)) {
        continue;
      }
      ASSERT_NE(found, result.scores.end()) << metric.name;
      ASSERT_TRUE(found->second) << metric.name << " of sample " << i;
      EXPECT_GE(found->second->weight, 0) << metric.name;
      EXPECT_TRUE(std::isfinite(found->second->sum)) << metric.name;
    }
    // Some scores are for a part of the questions only; the headline is for all.
    EXPECT_GT(result.scores.find(task->info().metrics.front().name)->second->weight, 0);
  }
}

TEST_P(EveryTask, WhatIsNoNumberIsUnansweredAndNeverZero) {
  const auto task = make();
  const Sample sample = task->sample(1);
  for (std::size_t k = 0; k < sample.requests.size(); ++k) {
    std::vector<Response> responses = scripted(sample);
    if (auto* scored = std::get_if<LoglikelihoodResponse>(&responses[k])) {
      scored->logprob = std::numeric_limits<double>::quiet_NaN();
    } else if (auto* compared = std::get_if<DivergenceResponse>(&responses[k])) {
      compared->kl = std::numeric_limits<double>::quiet_NaN();
    } else {
      std::get<GenerationResponse>(responses[k]).is_answered = false;
    }
    const SampleScores scores = task->score(sample, responses).scores;
    for (const MetricRow& metric : task->info().metrics) {
      EXPECT_TRUE(scores.contains(metric.name) || is_of_one_kind(metric)) << metric.name;
    }
    for (const auto& [metric, score] : scores) {
      EXPECT_FALSE(score) << metric << ", request " << k;
    }
  }
}

std::vector<std::string> all_names() {
  std::vector<std::string> names;
  for (const TaskRow& row : task_table()) {
    if (!row.name.ends_with(".toml")) {
      names.push_back(with_file(row.name));
    }
  }
  names.insert(names.end(), {"hellaswag_2shot", "mmlu_stem", "mmlu_anatomy", "coqa_1shot"});
  return names;
}

std::string case_name(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::ranges::replace_if(
      name, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Rows, EveryTask, ::testing::ValuesIn(all_names()), case_name);

}  // namespace
}  // namespace nibble::eval
