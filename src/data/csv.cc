#include "data/csv.h"

#include <algorithm>

#include "data/text_file.h"

namespace nibble::data {
namespace {

class CsvParser {
 public:
  CsvParser(std::string_view text, std::string_view where, char separator)
      : text_(text), where_(where), separator_(separator) {}

  std::vector<CsvRow> parse() {
    std::vector<CsvRow> rows;
    while (at_ < text_.size()) {
      rows.push_back(read_row());
    }
    return rows;
  }

 private:
  CsvRow read_row() {
    CsvRow row;
    for (;;) {
      row.push_back(peek() == '"' ? read_quoted() : read_plain());
      if (peek() == separator_ && at_ < text_.size()) {
        ++at_;
        continue;
      }
      end_line();
      return row;
    }
  }

  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\n'; }

  std::string read_plain() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && text_[at_] != separator_ && text_[at_] != '\n') {
      if (text_[at_] == '"') {
        raise(ErrorCode::kCorruptData,
              "{}:{}: a quote inside a field that does not begin with one",
              where_,
              line_);
      }
      ++at_;
    }
    std::string_view field = text_.substr(begin, at_ - begin);
    if (peek() == '\n' && field.ends_with('\r')) {
      field.remove_suffix(1);
    }
    return std::string(field);
  }

  std::string read_quoted() {
    const std::size_t opened = line_;
    std::string field;
    for (++at_;; ++at_) {
      if (at_ == text_.size()) {
        raise(ErrorCode::kCorruptData, "{}:{}: a quote that is not closed", where_, opened);
      }
      if (text_[at_] == '"') {
        ++at_;
        if (at_ == text_.size() || text_[at_] != '"') {
          return field;
        }
      }
      line_ += text_[at_] == '\n' ? 1U : 0U;
      field += text_[at_];
    }
  }

  void end_line() {
    if (peek() == '\r') {
      ++at_;
    }
    if (peek() != '\n') {
      raise(ErrorCode::kCorruptData, "{}:{}: text after a closing quote", where_, line_);
    }
    at_ = std::min(at_ + 1, text_.size());
    ++line_;
  }

  std::string_view text_;
  std::string_view where_;
  char separator_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

}  // namespace

Result<std::vector<CsvRow>> parse_csv(std::string_view text,
                                      std::string_view where,
                                      char separator) {
  try {
    return CsvParser(text, where, separator).parse();
  } catch (const Error& error) {
    return error.failure();
  }
}

Result<DataSet<CsvRow>> read_csv(const std::filesystem::path& path, char separator) {
  const auto file = read_text(path);
  if (!file) {
    return file.failure();
  }
  auto rows = parse_csv(file->text, path.string(), separator);
  if (!rows) {
    return rows.failure();
  }
  return DataSet<CsvRow>{std::move(*rows), file->sha256};
}

}  // namespace nibble::data
