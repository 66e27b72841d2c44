#include "rag/answer/sets/records.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/utf8.h"

namespace nibble::rag {

void require_answer(const eval::Record& record, const OpenQuestion& question) {
  if (utf8::strip(question.question).empty()) {
    record.reject("the question is empty");
  }
  const bool has_answer = std::ranges::any_of(
      question.answers, [](const std::string& answer) { return !utf8::strip(answer).empty(); });
  if (question.is_answerable && !has_answer) {
    record.reject("no answer that is not empty");
  }
}

void for_each_in_list(const eval::DataFile& file,
                      const std::function<void(const eval::Record& record)>& f) {
  const std::string where = file.path.string();
  const Json root = parse_json(file.text, where).take();
  if (!root.is_array()) {
    raise(ErrorCode::kCorruptData, "{}: wanted a list of questions", where);
  }
  std::size_t number = 0;
  for (const Json& value : root) {
    f(eval::Record(value, fmt::format("{}: question {}", where, ++number)));
  }
}

}  // namespace nibble::rag
