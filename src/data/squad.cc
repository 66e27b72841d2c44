#include "data/squad.h"

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "data/text_file.h"

namespace nibble::data {
namespace {

const Json& list_of(const Json& object, std::string_view key, std::string_view where) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_array()) {
    raise(ErrorCode::kCorruptData, "{}: no list '{}'", where, key);
  }
  return *found;
}

std::string text_of(const Json& object, std::string_view key, std::string_view where) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) {
    raise(ErrorCode::kCorruptData, "{}: no text '{}'", where, key);
  }
  return found->get<std::string>();
}

/// One question; `where` says which.
SquadRecord read_question(const Json& question,
                          const SquadRecord& paragraph,
                          std::string_view where) {
  SquadRecord record = paragraph;
  record.id = text_of(question, "id", where);
  record.question = text_of(question, "question", where);
  for (const Json& answer : list_of(question, "answers", where)) {
    record.answers.push_back(text_of(answer, "text", where));
  }
  return record;
}

void read_article(const Json& article, std::string_view where, std::vector<SquadRecord>& out) {
  SquadRecord paragraph;
  if (article.contains("title")) {
    paragraph.title = text_of(article, "title", where);
  }
  std::size_t p = 0;
  for (const Json& source : list_of(article, "paragraphs", where)) {
    const std::string here = fmt::format("{}.paragraphs[{}]", where, p++);
    paragraph.context = text_of(source, "context", here);
    std::size_t q = 0;
    for (const Json& question : list_of(source, "qas", here)) {
      out.push_back(read_question(question, paragraph, fmt::format("{}.qas[{}]", here, q++)));
    }
  }
}

}  // namespace

Result<DataSet<SquadRecord>> squad_records(const std::filesystem::path& path) {
  const auto file = read_text(path);
  if (!file) {
    return file.failure();
  }
  try {
    const Json root = parse_json(file->text, path.string()).take();
    DataSet<SquadRecord> out{{}, file->sha256};
    std::size_t a = 0;
    for (const Json& article : list_of(root, "data", path.string())) {
      read_article(article, fmt::format("{}: data[{}]", path.string(), a++), out.rows);
    }
    if (out.rows.empty()) {
      raise(ErrorCode::kCorruptData, "{}: no questions", path.string());
    }
    return out;
  } catch (const Error& error) {
    return error.failure();
  }
}

}  // namespace nibble::data
