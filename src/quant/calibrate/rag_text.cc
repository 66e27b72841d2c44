#include "quant/calibrate/rag_text.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace nibble::quant {
namespace {

const std::string* text_of(const Json& value) {
  return value.is_string() ? value.get_ptr<const std::string*>() : nullptr;
}

const std::string* member(const Json& object, const char* key) {
  const auto found = object.is_object() ? object.find(key) : object.end();
  return object.is_object() && found != object.end() ? text_of(*found) : nullptr;
}

const Json* passages_of(const Json& record) {
  for (const char* key : {"passages", "ctxs"}) {
    if (record.contains(key) && record.at(key).is_array()) {
      return &record.at(key);
    }
  }
  return nullptr;
}

std::string passage_line(std::size_t number, const Json& passage, std::string_view where) {
  const std::string* text = passage.is_string() ? text_of(passage) : member(passage, "text");
  if (text == nullptr) {
    raise(ErrorCode::kCorruptData,
          "{}: passage {}: expected a text, or an object with \"text\"",
          where,
          number);
  }
  const std::string* title = member(passage, "title");
  return title == nullptr ? fmt::format("Document [{}] {}\n", number, *text)
                          : fmt::format("Document [{}](Title: {}) {}\n", number, *title, *text);
}

}  // namespace

bool is_rag_record(const Json& record) {
  return record.is_object() && member(record, "question") != nullptr &&
         passages_of(record) != nullptr;
}

std::string rag_text(const Json& record, std::string_view where) {
  if (!is_rag_record(record)) {
    raise(ErrorCode::kCorruptData, "{}: expected \"question\" and \"passages\"", where);
  }
  std::string out;
  std::size_t number = 0;
  for (const Json& passage : *passages_of(record)) {
    out += passage_line(++number, passage, where);
  }
  out += fmt::format("\nQuestion: {}\nAnswer:", *member(record, "question"));
  const auto answers = record.find("answers");
  if (answers != record.end() && answers->is_array() && !answers->empty() &&
      answers->front().is_string()) {
    out += " " + *text_of(answers->front());
  }
  return out;
}

}  // namespace nibble::quant
