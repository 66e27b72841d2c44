/// Sets of questions about one passage.
///
/// Source     Dua et al. 2019, arXiv 1903.00161 (DROP); Choi et al. 2018, arXiv 1808.07036 (QuAC),
///            in the form of mosaicml/llm-foundry: title, background, section, passage that ends
///            with CANNOTANSWER, earlier turns, question
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "base/utf8.h"
#include "rag/answer/sets/readers.h"
#include "rag/answer/sets/records.h"

namespace nibble::rag {
namespace {

constexpr std::string_view kNoAnswer = "CANNOTANSWER";

std::vector<std::string> spans_of(const eval::Record& record, const Json& answer) {
  std::vector<std::string> out;
  for (const Json& span : answer.is_array() ? answer : Json::array()) {
    if (!span.is_string()) {
      record.reject("an answer is no list of texts");
    }
    out.push_back(span.get<std::string>());
  }
  return out;
}

/// What stands between two marks; the record is rejected where one is missing.
std::string_view between(const eval::Record& record,
                         std::string_view text,
                         std::string_view front,
                         std::string_view back) {
  const std::size_t begin = text.find(front);
  const std::size_t end = begin == std::string_view::npos ? std::string_view::npos
                                                          : text.find(back, begin + front.size());
  if (end == std::string_view::npos) {
    record.reject(fmt::format(
        "'context' has nothing between '{}' and '{}'", utf8::strip(front), utf8::strip(back)));
  }
  return text.substr(begin + front.size(), end - begin - front.size());
}

/// Earlier turns as they stand, an answer that there was not in our own words.
std::string turns_of(std::string_view text) {
  std::string out(text);
  for (std::size_t at = out.find(kNoAnswer); at != std::string::npos; at = out.find(kNoAnswer)) {
    out.replace(at, kNoAnswer.size(), "I don't know");
  }
  return out;
}

struct QuacParts {
  std::string title, passage, question;
};

QuacParts split_quac(const eval::Record& record) {
  const std::string context = record.text("context");
  const std::string mark = fmt::format("{}\n\nQuestion: ", kNoAnswer);
  const std::string_view background = between(record, context, "Background: ", "\n\nSection: ");
  const std::string_view section = between(record, context, "\n\nSection: ", "\nContext: ");
  const std::string_view passage = between(record, context, "\nContext: ", mark);
  const std::size_t question = context.find(mark) + mark.size();
  return {fmt::format("{}: {}", between(record, context, "Title: ", "\n\n"), section),
          fmt::format("{}\n\n{}", background, utf8::strip(passage)),
          turns_of(std::string_view(context).substr(question))};
}

}  // namespace

QuestionSet read_drop(const SetRequest& request) {
  const eval::DataFile file = eval::read_data_file(request.data / "drop", {"dev_sample.jsonl"});
  QuestionSet set{.name = "drop", .data_hash = file.hash, .data_id = "DROP, sample of dev"};
  PassagePool pool(set);
  eval::for_each_record(file, 0, [&](const eval::Record& record, std::size_t) {
    OpenQuestion question{.id = record.text("query_id"), .question = record.text("question")};
    for (const Json& answer : record.list("answers")) {
      question.answers.push_back(fmt::format("{}", fmt::join(spans_of(record, answer), ", ")));
    }
    question.offers.push_back({pool.add("", record.text("passage")), true});
    require_answer(record, question);
    set.questions.push_back(std::move(question));
  });
  return set;
}

QuestionSet read_quac(const SetRequest& request) {
  const eval::DataFile file = eval::read_data_file(request.data / "quac", {"quac.jsonl"});
  QuestionSet set{.name = "quac", .data_hash = file.hash, .data_id = "QuAC, sample"};
  PassagePool pool(set);
  eval::for_each_record(file, 0, [&](const eval::Record& record, std::size_t line) {
    QuacParts parts = split_quac(record);
    OpenQuestion question{.id = fmt::format("quac-{}", line),
                          .question = std::move(parts.question)};
    question.is_answerable = record.text("answer") != kNoAnswer;
    if (question.is_answerable) {
      question.answers = record.texts("aliases");
      question.answers.insert(question.answers.begin(), record.text("answer"));
    }
    question.offers.push_back({pool.add(parts.title, parts.passage), question.is_answerable});
    require_answer(record, question);
    set.questions.push_back(std::move(question));
  });
  return set;
}

}  // namespace nibble::rag
