#include "eval/task_file/task_data.h"

#include <fmt/ranges.h>

#include "base/error.h"
#include "data/text_file.h"

namespace nibble::eval {
namespace {

namespace fs = std::filesystem;
using text::jinja::Entry;
using text::jinja::Value;

struct FoundFile {
  fs::path path;
  std::string reader;
};

/// The first of `files` in the first of `folders` that has one, as it stands or with ".gz" behind.
std::optional<FoundFile> find_file(std::span<const fs::path> folders,
                                   const std::vector<std::string>& files) {
  for (const fs::path& folder : folders) {
    for (const std::string& file : files) {
      const std::size_t colon = file.find(':');
      const std::string name = colon == std::string::npos ? file : file.substr(colon + 1);
      for (const char* suffix : {"", ".gz"}) {
        const fs::path path = folder / (name + suffix);
        std::error_code ignored;
        if (fs::is_regular_file(path, ignored)) {
          return FoundFile{path, colon == std::string::npos ? "" : file.substr(0, colon)};
        }
      }
    }
  }
  return std::nullopt;
}

/// Adds what the task makes of a row: columns from beside, columns from others, the subject.
class RowPreparer {
 public:
  RowPreparer(const TaskDefinition& task, const std::string& subject, const fs::path& path)
      : task_(task), subject_(subject), where_(path.string()) {
    for (const auto& [column, file] : task.data.beside) {
      const fs::path folder = path.parent_path();
      if (const auto found = find_file(std::span(&folder, 1), {file})) {
        columns_.emplace_back(column, lines_of(found->path));
      }
    }
  }

  void check_rows(std::size_t n_rows) const {
    for (const auto& [column, lines] : columns_) {
      if (lines.size() != n_rows) {
        raise(ErrorCode::kCorruptData,
              "{}: {} rows, but {} values of '{}' beside it",
              where_,
              n_rows,
              lines.size(),
              column);
      }
    }
  }

  Value prepared(const Value& row, std::size_t index) const {
    text::jinja::Dict out{row.dict()->entries};
    if (!subject_.empty()) {
      out.entries.emplace_back("subject", subject_);
    }
    for (const auto& [column, lines] : columns_) {
      if (out.find(column) == nullptr) {
        out.entries.emplace_back(column, lines[index]);
      }
    }
    for (const auto& [column, source] : task_.data.columns) {
      if (out.find(column) == nullptr) {
        out.entries.emplace_back(column, made(source, out, index));
      }
    }
    return std::move(out.entries);
  }

 private:
  static std::vector<std::string> lines_of(const fs::path& path) {
    const data::TextFile file = data::read_text(path).take();
    std::vector<std::string> out;
    for (const std::string_view line : data::split_lines(file.text)) {
      out.emplace_back(line.ends_with('\r') ? line.substr(0, line.size() - 1) : line);
    }
    return out;
  }

  [[nodiscard]] Value made(const Template& source,
                           const text::jinja::Dict& names,
                           std::size_t index) const {
    try {
      return source.evaluate(names);
    } catch (const Error& error) {
      raise(ErrorCode::kCorruptData, "{}: row {}: {}", where_, index + 1, error.what());
    }
  }

  const TaskDefinition& task_;
  const std::string& subject_;
  std::string where_;
  std::vector<std::pair<std::string, std::vector<std::string>>> columns_;
};

TaskRows rows_of(const TaskDefinition& task, const std::string& subject, const FoundFile& file) {
  data::DataSet<data::Row> set =
      data::read_rows(file.path, {file.reader, task.data.csv_columns}).take();
  TaskRows out{{}, std::move(set.sha256), file.path};
  const RowPreparer preparer(task, subject, file.path);
  preparer.check_rows(set.rows.size());
  for (std::size_t i = 0; i < set.rows.size(); ++i) {
    out.rows.push_back(preparer.prepared(set.rows[i], i));
  }
  return out;
}

std::vector<std::string> all_with_subject(std::vector<std::string> names,
                                          const std::string& subject) {
  for (std::string& name : names) {
    name = with_subject(std::move(name), subject);
  }
  return names;
}

}  // namespace

std::string with_subject(std::string text, const std::string& subject) {
  static constexpr std::string_view kMark = "{subject}";
  for (std::size_t at = text.find(kMark); at != std::string::npos; at = text.find(kMark)) {
    text.replace(at, kMark.size(), subject);
  }
  return text;
}

TaskPart read_part(const TaskDefinition& task,
                   const std::string& subject,
                   std::span<const fs::path> folders,
                   std::size_t n_shots) {
  TaskPart out;
  out.subject = subject;
  const std::vector<std::string> files = all_with_subject(task.data.files, subject);
  const auto found = find_file(folders, files);
  if (!found) {
    raise(ErrorCode::kNotFound,
          "{}: no data file, wanted {} (or .gz)",
          folders.back().string(),
          fmt::join(files, " or "));
  }
  out.evaluated = rows_of(task, subject, *found);
  if (n_shots == 0) {
    return out;
  }
  if (!task.shots.rows.empty()) {
    out.pool.rows = task.shots.rows;
    return out;
  }
  if (task.shots.files.empty() && !task.shots.leaves_itself_out) {
    raise(ErrorCode::kInvalidArgument, "the task says of no rows that they are solved examples");
  }
  const std::vector<std::string> pools = all_with_subject(task.shots.files, subject);
  const auto pool = find_file(folders, pools);
  if (pool) {
    out.pool = rows_of(task, subject, *pool);
    return out;
  }
  if (!task.shots.leaves_itself_out) {
    raise(ErrorCode::kNotFound,
          "{}: no file of solved examples, wanted {} (or .gz)",
          folders.back().string(),
          fmt::join(pools, " or "));
  }
  out.draws_from_evaluated = true;
  return out;
}

}  // namespace nibble::eval
