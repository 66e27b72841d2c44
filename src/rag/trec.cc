#include "rag/trec.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "base/json.h"
#include "data/jsonl.h"
#include "data/text_file.h"

namespace nibble::rag {
namespace {

std::vector<std::string_view> split_fields(std::string_view line) {
  std::vector<std::string_view> out;
  for (std::size_t at = 0; at < line.size();) {
    const std::size_t begin = line.find_first_not_of(" \t\r", at);
    if (begin == std::string_view::npos) {
      break;
    }
    at = std::min(line.find_first_of(" \t\r", begin), line.size());
    out.push_back(line.substr(begin, at - begin));
  }
  return out;
}

template <class T>
bool parse_number(std::string_view text, T& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

/// Calls f(fields, line number) for each line that is not blank; f says what is wrong, or "".
template <class F>
Result<void> for_each_line(const std::filesystem::path& path, const F& f) {
  const auto file = data::read_text(path);
  if (!file) {
    return file.failure();
  }
  std::size_t number = 0;
  for (const std::string_view line : data::split_lines(file->text)) {
    ++number;
    const auto fields = split_fields(line);
    if (fields.empty()) {
      continue;
    }
    if (const std::string wrong = f(fields, number); !wrong.empty()) {
      return fail(ErrorCode::kCorruptData, "{}:{}: {}", path.string(), number, wrong);
    }
  }
  return {};
}

std::string id_text(const Json& id) {
  return id.is_string() ? id.get<std::string>() : id.is_number_integer() ? id.dump() : "";
}

}  // namespace

Result<std::vector<Question>> read_questions(const std::filesystem::path& path) {
  const auto lines = data::read_jsonl(path);
  if (!lines) {
    return lines.failure();
  }
  std::vector<Question> out;
  std::set<std::string> seen;
  for (const Json& line : lines->rows) {
    const std::string id = line.is_object() && line.contains("_id") ? id_text(line["_id"]) : "";
    if (id.empty() || !line.contains("text") || !line["text"].is_string()) {
      return fail(ErrorCode::kCorruptData,
                  "{}: question {}: expected {{\"_id\", \"text\"}}",
                  path.string(),
                  out.size() + 1);
    }
    if (!seen.insert(id).second) {
      return fail(ErrorCode::kCorruptData, "{}: two questions have the id '{}'", path.string(), id);
    }
    out.push_back({id, line["text"].get<std::string>()});
  }
  return out;
}

Result<QuestionJudgements> read_judgements(const std::filesystem::path& path) {
  QuestionJudgements out;
  const auto read = for_each_line(path, [&](const auto& fields, std::size_t number) -> std::string {
    int grade = 0;
    const bool is_header = number == 1 && !parse_number(fields.back(), grade);
    if (is_header) {
      return "";
    }
    if ((fields.size() != 3 && fields.size() != 4) || !parse_number(fields.back(), grade)) {
      return "expected a question, a document and a grade";
    }
    const std::string document(fields[fields.size() - 2]);
    const bool is_new = out[std::string(fields[0])].emplace(document, grade).second;
    return is_new ? "" : fmt::format("'{}' is judged twice for '{}'", document, fields[0]);
  });
  if (!read) {
    return read.failure();
  }
  if (out.empty()) {
    return fail(ErrorCode::kCorruptData, "{}: no judgement", path.string());
  }
  return out;
}

void sort_run(Run& run) {
  for (auto& [question, entries] : run) {
    std::ranges::sort(entries, [](const RunEntry& a, const RunEntry& b) {
      return a.score > b.score || (a.score == b.score && a.document > b.document);
    });
  }
}

Result<Run> read_run(const std::filesystem::path& path) {
  Run out;
  std::set<std::pair<std::string, std::string>> seen;
  const auto read = for_each_line(path, [&](const auto& fields, std::size_t) -> std::string {
    double score = 0.0;
    if (fields.size() != 6 || !parse_number(fields[4], score) || !std::isfinite(score)) {
      return "expected: question Q0 document rank score tag";
    }
    if (!seen.emplace(fields[0], fields[2]).second) {
      return fmt::format("'{}' stands twice under '{}'", fields[2], fields[0]);
    }
    out[std::string(fields[0])].push_back({std::string(fields[2]), score});
    return "";
  });
  if (!read) {
    return read.failure();
  }
  sort_run(out);
  return out;
}

std::string run_text(const Run& run, const std::string& tag) {
  std::string out;
  for (const auto& [question, entries] : run) {
    for (std::size_t i = 0; i < entries.size(); ++i) {
      out += fmt::format(
          "{} Q0 {} {} {} {}\n", question, entries[i].document, i + 1, entries[i].score, tag);
    }
  }
  return out;
}

}  // namespace nibble::rag
