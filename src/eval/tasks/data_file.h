/// Data files as the tasks want them: found under one of several names, hashed, and read record by
/// record with the position in every error.
///
/// Errors     Error(kNotFound) names the folder and the files looked for
///            Error(kCorruptData) "file:line: key: what was wanted"
/// Source     our own
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace nibble::eval {

struct DataFile {
  std::filesystem::path path;
  std::string text;  ///< inflated
  std::string hash;  ///< SHA-256 of the file as it lies on disk
};

/// The first of `names` that exists below `folder`, as it stands or with ".gz" behind.
std::filesystem::path find_data_file(const std::filesystem::path& folder,
                                     std::initializer_list<std::string_view> names);
DataFile read_data_file(const std::filesystem::path& folder,
                        std::initializer_list<std::string_view> names);

/// The extension of what the file holds, before any ".gz": ".jsonl".
std::string content_extension(const std::filesystem::path& path);

/// One hash over several files, in order.
std::string combined_hash(std::initializer_list<std::string_view> hashes);

/// One JSON object of a data file.
class Record {
 public:
  Record(const Json& value, std::string where, std::string_view raw = {})
      : value_(&value), where_(std::move(where)), raw_(raw) {}

  [[nodiscard]] bool has(std::string_view key) const;
  [[nodiscard]] std::string text(std::string_view key) const;
  [[nodiscard]] std::vector<std::string> texts(std::string_view key) const;
  [[nodiscard]] std::vector<std::string> text_or_texts(std::string_view key) const;
  [[nodiscard]] std::size_t index(std::string_view key) const;
  [[nodiscard]] Record object(std::string_view key) const;
  /// The members of a list of objects.
  [[nodiscard]] std::vector<Record> objects(std::string_view key) const;
  [[nodiscard]] const Json& list(std::string_view key) const;
  [[nodiscard]] bool flag(std::string_view key) const;
  [[nodiscard]] bool is_text(std::string_view key) const;
  /// The line as it stands in the file.
  [[nodiscard]] std::string_view raw() const noexcept { return raw_; }
  [[noreturn]] void reject(std::string_view reason) const;

 private:
  [[nodiscard]] const Json& at(std::string_view key, std::string_view wanted) const;
  const Json* value_;
  std::string where_;
  std::string_view raw_;
};

/// Calls `f(record, line)` for each line, with `limit` above 0 for the first `limit` only.
void for_each_record(const DataFile& file,
                     std::size_t limit,
                     const std::function<void(const Record& record, std::size_t line)>& f);

/// Records of the file, whatever the limit.
std::size_t count_records(const DataFile& file);

}  // namespace nibble::eval
