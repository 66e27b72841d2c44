#include "eval/tasks/data_file.h"

#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "data/text_file.h"

namespace nibble::eval {
namespace {

namespace fs = std::filesystem;

std::string listed(std::initializer_list<std::string_view> names) {
  std::string out;
  for (const std::string_view name : names) {
    out += fmt::format("{}{}", out.empty() ? "" : " or ", name);
  }
  return out;
}

std::optional<fs::path> find_file(const fs::path& folder,
                                  std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    for (const char* suffix : {"", ".gz"}) {
      const fs::path path = folder / (std::string(name) + suffix);
      std::error_code ignored;
      if (fs::is_regular_file(path, ignored)) {
        return path;
      }
    }
  }
  return std::nullopt;
}

}  // namespace

fs::path find_data_file(const fs::path& folder, std::initializer_list<std::string_view> names) {
  const std::optional<fs::path> path = find_file(folder, names);
  if (!path) {
    raise(ErrorCode::kNotFound,
          "{}: no data file, wanted {} (or .gz)",
          folder.string(),
          listed(names));
  }
  return *path;
}

DataFile read_data_file(const fs::path& folder, std::initializer_list<std::string_view> names) {
  fs::path path = find_data_file(folder, names);
  data::TextFile file = data::read_text(path).take();
  return {std::move(path), std::move(file.text), std::move(file.sha256)};
}

std::string content_extension(const fs::path& path) {
  return (path.extension() == ".gz" ? path.stem() : path).extension().string();
}

std::string combined_hash(std::initializer_list<std::string_view> hashes) {
  Sha256 hash;
  for (const std::string_view one : hashes) {
    hash.field(one);
  }
  return hash.hex();
}

void Record::reject(std::string_view reason) const {
  raise(ErrorCode::kCorruptData, "{}: {}", where_, reason);
}

bool Record::has(std::string_view key) const {
  return value_->is_object() && value_->find(key) != value_->end();
}

const Json& Record::at(std::string_view key, std::string_view wanted) const {
  if (!has(key)) {
    reject(fmt::format("no '{}', wanted {}", key, wanted));
  }
  return *value_->find(key);
}

std::string Record::text(std::string_view key) const {
  const Json& value = at(key, "a text");
  if (!value.is_string()) {
    reject(fmt::format("'{}' is not a text", key));
  }
  return value.get<std::string>();
}

std::vector<std::string> Record::texts(std::string_view key) const {
  const Json& value = at(key, "a list of texts");
  std::vector<std::string> out;
  if (!value.is_array()) {
    reject(fmt::format("'{}' is not a list of texts", key));
  }
  for (const Json& element : value) {
    if (!element.is_string()) {
      reject(fmt::format("'{}' is not a list of texts", key));
    }
    out.push_back(element.get<std::string>());
  }
  return out;
}

std::vector<std::string> Record::text_or_texts(std::string_view key) const {
  return at(key, "a text or a list of texts").is_string() ? std::vector{text(key)} : texts(key);
}

std::size_t Record::index(std::string_view key) const {
  const Json& value = at(key, "an index");
  if (!value.is_number_unsigned()) {
    reject(fmt::format("'{}' is not an index, wanted a whole number from 0", key));
  }
  return value.get<std::size_t>();
}

Record Record::object(std::string_view key) const {
  const Json& value = at(key, "an object");
  if (!value.is_object()) {
    reject(fmt::format("'{}' is not an object", key));
  }
  return {value, where_};
}

std::vector<Record> Record::objects(std::string_view key) const {
  std::vector<Record> out;
  for (const Json& member : list(key)) {
    if (!member.is_object()) {
      reject(fmt::format("'{}' is not a list of objects", key));
    }
    out.emplace_back(member, where_);
  }
  return out;
}

const Json& Record::list(std::string_view key) const {
  const Json& value = at(key, "a list");
  if (!value.is_array()) {
    reject(fmt::format("'{}' is not a list", key));
  }
  return value;
}

bool Record::flag(std::string_view key) const {
  const Json& value = at(key, "true or false");
  if (!value.is_boolean()) {
    reject(fmt::format("'{}' is neither true nor false", key));
  }
  return value.get<bool>();
}

bool Record::is_text(std::string_view key) const {
  return has(key) && value_->find(key)->is_string();
}

namespace {

/// Walks over the lines of a text by their numbers, which only grow.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}
  std::string_view line(std::size_t number) {
    std::string_view found;
    while (n_passed_ < number) {
      const std::size_t end = std::min(rest_.find('\n'), rest_.size());
      found = rest_.substr(0, end);
      rest_.remove_prefix(std::min(end + 1, rest_.size()));
      ++n_passed_;
    }
    return found;
  }

 private:
  std::string_view rest_;
  std::size_t n_passed_ = 0;
};

}  // namespace

void for_each_record(const DataFile& file,
                     std::size_t limit,
                     const std::function<void(const Record& record, std::size_t line)>& f) {
  const std::string where = file.path.string();
  std::size_t n_read = 0;
  Lines lines(file.text);
  for_each_json_line(file.text, where, [&](Json&& value, std::size_t line) -> Result<void> {
    if (limit == 0 || n_read++ < limit) {
      f(Record(value, fmt::format("{}:{}", where, line), lines.line(line)), line);
    }
    return {};
  }).take();
}

std::size_t count_records(const DataFile& file) {
  std::size_t n = 0;
  for_each_record(file, 0, [&n](const Record&, std::size_t) { ++n; });
  return n;
}

}  // namespace nibble::eval
