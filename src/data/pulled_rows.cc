#include "data/pulled_rows.h"

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/function_ref.h"
#include "base/json.h"
#include "data/text_file.h"

namespace nibble::data {
namespace {

/// A row and its number, from 1.
struct NumberedRow {
  Json row;
  std::size_t number;
  std::string_view where;

  [[nodiscard]] const Json& column(const char* name) const {
    if (!row.is_object() || !row.contains(name)) {
      raise(ErrorCode::kCorruptData, "{}: row {}: no column '{}'", where, number, name);
    }
    return row.at(name);
  }
  [[nodiscard]] std::string text(const char* name) const {
    const Json& value = column(name);
    if (!value.is_string()) {
      raise(ErrorCode::kCorruptData, "{}: row {}: '{}' is no text", where, number, name);
    }
    return value.get<std::string>();
  }
};

void for_each_row(std::string_view rows,
                  std::string_view where,
                  FunctionRef<void(const NumberedRow& row)> f) {
  std::size_t number = 0;
  for (const std::string_view line : split_lines(rows)) {
    ++number;
    f({parse_json(line, std::string(where)).take(), number, where});
  }
}

/// The hub's columns of lists as a list of answers.
Json answers_of(const NumberedRow& row) {
  const Json& answers = row.column("answers");
  const bool is_good = answers.is_object() && answers.contains("text") &&
                       answers["text"].is_array() && answers.contains("answer_start") &&
                       answers["answer_start"].is_array() &&
                       answers["text"].size() == answers["answer_start"].size();
  if (!is_good) {
    raise(ErrorCode::kCorruptData,
          "{}: row {}: 'answers', wanted lists 'text' and 'answer_start' of one length",
          row.where,
          row.number);
  }
  Json out = Json::array();
  for (std::size_t i = 0; i < answers["text"].size(); ++i) {
    out.push_back({{"text", answers["text"][i]}, {"answer_start", answers["answer_start"][i]}});
  }
  return out;
}

/// The last of the list where its value under `key` is `value`, else a new one.
Json& last_with(Json& list, const char* key, const std::string& value, const char* inner) {
  if (list.empty() || list.back()[key] != value) {
    list.push_back({{key, value}, {inner, Json::array()}});
  }
  return list.back()[inner];
}

}  // namespace

std::string joined_texts(std::string_view rows, std::string_view where) {
  std::string out;
  for_each_row(rows, where, [&out](const NumberedRow& row) {
    const std::string text = row.text("text");
    out += text.empty() ? " \n" : text;
  });
  return out;
}

std::string nested_squad(std::string_view rows, std::string_view where) {
  Json articles = Json::array();
  for_each_row(rows, where, [&articles](const NumberedRow& row) {
    Json& paragraphs = last_with(articles, "title", row.text("title"), "paragraphs");
    Json& questions = last_with(paragraphs, "context", row.text("context"), "qas");
    questions.push_back(
        {{"id", row.text("id")}, {"question", row.text("question")}, {"answers", answers_of(row)}});
  });
  return dump_json({{"version", "1.1"}, {"data", std::move(articles)}}) + "\n";
}

}  // namespace nibble::data
