/// Sets whose answer has to be put together from several passages; questions bring distractors.
///
/// Source     Yang et al. 2018, arXiv 1809.09600 (HotpotQA, distractor setting); Trivedi et al.
///            2022, arXiv 2108.00573 (MuSiQue)
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "rag/answer/sets/readers.h"
#include "rag/answer/sets/records.h"

namespace nibble::rag {
namespace {

/// The titles that "supporting_facts": [[title, sentence], …] names.
std::set<std::string> supporting_titles(const eval::Record& record) {
  std::set<std::string> out;
  for (const Json& fact : record.list("supporting_facts")) {
    if (!fact.is_array() || fact.empty() || !fact[0].is_string()) {
      record.reject("'supporting_facts' is no list of [title, sentence]");
    }
    out.insert(fact[0].get<std::string>());
  }
  return out;
}

struct TitledText {
  std::string title, text;
};

/// One of "context": [[title, [sentence, …]], …].
TitledText read_paragraph(const eval::Record& record, const Json& paragraph) {
  const bool is_pair = paragraph.is_array() && paragraph.size() == 2 && paragraph[0].is_string() &&
                       paragraph[1].is_array();
  if (!is_pair) {
    record.reject("'context' is no list of [title, [sentence, …]]");
  }
  TitledText out{paragraph[0].get<std::string>(), ""};
  for (const Json& sentence : paragraph[1]) {
    if (!sentence.is_string()) {
      record.reject("a sentence of 'context' is no text");
    }
    out.text += sentence.get<std::string>();
  }
  return out;
}

void require_gold(const eval::Record& record, const OpenQuestion& question) {
  for (const Offer& offer : question.offers) {
    if (offer.is_gold) {
      return;
    }
  }
  record.reject("none of its passages supports the answer");
}

}  // namespace

QuestionSet read_hotpotqa(const SetRequest& request) {
  const eval::DataFile file =
      eval::read_data_file(request.data / "hotpotqa", {"hotpotqa_dev.json", "hotpotqa_train.json"});
  QuestionSet set{
      .name = "hotpotqa", .data_hash = file.hash, .data_id = file.path.filename().string()};
  PassagePool pool(set);
  for_each_in_list(file, [&](const eval::Record& record) {
    OpenQuestion question{.id = record.text("_id"),
                          .question = record.text("question"),
                          .answers = {record.text("answer")}};
    const std::set<std::string> supporting = supporting_titles(record);
    for (const Json& paragraph : record.list("context")) {
      const TitledText one = read_paragraph(record, paragraph);
      question.offers.push_back({pool.add(one.title, one.text), supporting.contains(one.title)});
    }
    require_answer(record, question);
    require_gold(record, question);
    set.questions.push_back(std::move(question));
  });
  return set;
}

QuestionSet read_musique(const SetRequest& request) {
  const eval::DataFile file =
      eval::read_data_file(request.data / "musique", {"musique_dev.json", "musique_train.json"});
  QuestionSet set{
      .name = "musique", .data_hash = file.hash, .data_id = file.path.filename().string()};
  PassagePool pool(set);
  for_each_in_list(file, [&](const eval::Record& record) {
    OpenQuestion question{.id = record.text("id"),
                          .question = record.text("question"),
                          .answers = {record.text("answer")}};
    for (std::string& alias : record.texts("answer_aliases")) {
      question.answers.push_back(std::move(alias));
    }
    question.is_answerable = record.flag("answerable");
    for (const eval::Record& paragraph : record.objects("paragraphs")) {
      question.offers.push_back(
          {pool.add(paragraph.text("title"), paragraph.text("paragraph_text")),
           paragraph.flag("is_supporting")});
    }
    require_answer(record, question);
    set.questions.push_back(std::move(question));
  });
  return set;
}

}  // namespace nibble::rag
