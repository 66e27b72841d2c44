#include "data/csv.h"

namespace nibble::data {
namespace {

class CsvReader {
 public:
  CsvReader(std::string_view text, std::string_view where) : text_(text), where_(where) {}

  std::vector<CsvRecord> run() {
    std::vector<CsvRecord> records;
    while (at_ < text_.size()) {
      CsvRecord record = take_record();
      const bool is_blank = record.fields.size() == 1 && record.fields[0].empty();
      if (is_blank) {
        continue;
      }
      if (!records.empty() && record.fields.size() != records.front().fields.size()) {
        raise(ErrorCode::kCorruptData,
              "{}:{}: {} fields, the first record has {}",
              where_,
              record.line,
              record.fields.size(),
              records.front().fields.size());
      }
      records.push_back(std::move(record));
    }
    return records;
  }

 private:
  CsvRecord take_record() {
    CsvRecord record{{}, line_};
    do {
      record.fields.push_back(peek() == '"' ? take_quoted() : take_plain());
    } while (take(','));
    take('\r');
    if (!take('\n') && at_ < text_.size()) {
      raise(ErrorCode::kCorruptData, "{}:{}: text behind a closing quote", where_, line_);
    }
    return record;
  }

  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char wanted) {
    const bool found = at_ < text_.size() && text_[at_] == wanted;
    line_ += found && wanted == '\n' ? 1 : 0;
    at_ += found ? 1 : 0;
    return found;
  }

  std::string take_plain() {
    std::size_t end = std::min(text_.find_first_of(",\n", at_), text_.size());
    const bool ends_line = end == text_.size() || text_[end] == '\n';
    end -= ends_line && end > at_ && text_[end - 1] == '\r' ? 1 : 0;
    std::string field(text_.substr(at_, end - at_));
    at_ = end;
    return field;
  }

  std::string take_quoted() {
    const std::size_t first_line = line_;
    std::string field;
    ++at_;
    while (true) {
      const std::size_t quote = text_.find('"', at_);
      if (quote == std::string_view::npos) {
        raise(ErrorCode::kCorruptData, "{}:{}: a quote is never closed", where_, first_line);
      }
      for (; at_ < quote; ++at_) {
        line_ += text_[at_] == '\n' ? 1 : 0;
        field += text_[at_];
      }
      ++at_;
      if (peek() != '"') {
        return field;
      }
      field += '"';
      ++at_;
    }
  }

  std::string_view text_;
  std::string_view where_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
};

}  // namespace

Result<std::vector<CsvRecord>> parse_csv(std::string_view text, std::string_view where) {
  try {
    return CsvReader(text, where).run();
  } catch (const Error& error) {
    return error.failure();
  }
}

}  // namespace nibble::data
