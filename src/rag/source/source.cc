#include "rag/source/source.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <vector>

#include "base/cancel.h"
#include "base/file.h"
#include "base/json.h"
#include "rag/source/formats.h"

namespace nibble::rag {
namespace {

namespace fs = std::filesystem;

/// Inflated bytes of a file of JSON lines.
constexpr std::size_t kMaxLinesBytes = std::size_t{4} << 30;

bool is_json_lines(const fs::path& path) {
  const std::string name = path.filename().string();
  return name.ends_with(".jsonl") || name.ends_with(".jsonl.gz");
}

bool is_hidden(const fs::path& relative) {
  return std::ranges::any_of(relative,
                             [](const fs::path& part) { return part.string().starts_with("."); });
}

std::vector<fs::path> readable_files(const fs::path& folder) {
  std::vector<fs::path> out;
  const auto options = fs::directory_options::skip_permission_denied;
  for (const auto& entry : fs::recursive_directory_iterator(folder, options)) {
    const fs::path relative = entry.path().lexically_relative(folder);
    if (entry.is_regular_file() && !is_hidden(relative) && find_format(relative) != nullptr) {
      out.push_back(relative);
    }
  }
  std::ranges::sort(out);
  return out;
}

void read_folder(const fs::path& folder, OnDocument on_document, OnUnreadable unreadable) {
  std::size_t n_read = 0;
  for (const fs::path& relative : readable_files(folder)) {
    cancel_flag().check();
    auto document = read_document(folder / relative, *find_format(relative));
    if (!document) {
      unreadable(document.failure());
      continue;
    }
    document->name = relative.generic_string();
    on_document(std::move(*document));
    ++n_read;
  }
  if (n_read == 0) {
    raise(ErrorCode::kCorruptData,
          "{}: no document; text, Markdown, HTML and PDF files are read (by their endings)",
          folder.string());
  }
}

/// A text of a line; a number as its text; "" when absent.
Result<std::string> text_field(const Json& line, const char* key) {
  const auto found = line.find(key);
  if (found == line.end() || found->is_null()) {
    return std::string();
  }
  if (found->is_number_integer()) {
    return found->dump();
  }
  if (!found->is_string()) {
    return fail(
        ErrorCode::kCorruptData, "\"{}\": expected a text, found {}", key, dump_json(*found));
  }
  return found->get<std::string>();
}

Document document_of(const Json& line) {
  if (!line.is_object() || !line.contains("text")) {
    raise(ErrorCode::kCorruptData, "expected an object with \"_id\" and \"text\"");
  }
  Document out;
  out.name = text_field(line, line.contains("_id") ? "_id" : "id").take();
  out.title = text_field(line, "title").take();
  out.text = text_field(line, "text").take();
  if (out.name.empty()) {
    raise(ErrorCode::kCorruptData, "no \"_id\"");
  }
  return out;
}

void read_lines(const fs::path& path, OnDocument on_document) {
  const std::string text = read_text_or_gzip(path, kMaxLinesBytes).take();
  std::unordered_map<std::string, std::size_t> lines;
  for_each_json_line(text, path.string(), [&](Json&& value, std::size_t line) -> Result<void> {
    cancel_flag().check();
    Document document;
    try {
      document = document_of(value);
    } catch (const Error& error) {
      return error.failure().within(fmt::format("{}:{}", path.string(), line));
    }
    const auto [first, is_new] = lines.emplace(document.name, line);
    if (!is_new) {
      return fail(ErrorCode::kCorruptData,
                  "{}:{}: the id '{}' stands on line {}, too",
                  path.string(),
                  line,
                  document.name,
                  first->second);
    }
    on_document(std::move(document));
    return {};
  }).take();
  if (lines.empty()) {
    raise(ErrorCode::kCorruptData, "{}: no document", path.string());
  }
}

void read(const fs::path& source, OnDocument on_document, OnUnreadable unreadable) {
  if (!fs::exists(source)) {
    raise(ErrorCode::kNotFound, "{}: no such file or folder", source.string());
  }
  if (fs::is_directory(source)) {
    return read_folder(source, on_document, unreadable);
  }
  if (is_json_lines(source)) {
    return read_lines(source, on_document);
  }
  const FormatRow* format = find_format(source);
  if (format == nullptr) {
    raise(ErrorCode::kUnsupported,
          "{}: expected a folder, .jsonl, .txt, .md, .html or .pdf",
          source.string());
  }
  Document document = read_document(source, *format).take();
  document.name = source.filename().string();
  on_document(std::move(document));
}

}  // namespace

Result<void> for_each_document(const fs::path& source,
                               OnDocument on_document,
                               OnUnreadable unreadable) {
  try {
    read(source, on_document, unreadable);
    return {};
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCancelled) {
      throw;
    }
    return error.failure();
  } catch (const fs::filesystem_error& error) {
    return fail(ErrorCode::kIo, "{}", error.what());
  }
}

}  // namespace nibble::rag
