#include "data/jsonl.h"

#include <nlohmann/json.hpp>

#include "data/text_file.h"

namespace nibble::data {

Result<DataSet<Json>> read_jsonl(const std::filesystem::path& path) {
  const auto file = read_text(path);
  if (!file) {
    return file.failure();
  }
  DataSet<Json> out{{}, file->sha256};
  const auto read =
      for_each_json_line(file->text, path.string(), [&](Json&& value, std::size_t) -> Result<void> {
        out.rows.push_back(std::move(value));
        return {};
      });
  if (!read) {
    return read.failure();
  }
  if (out.rows.empty()) {
    return fail(ErrorCode::kCorruptData, "{}: no rows", path.string());
  }
  return out;
}

}  // namespace nibble::data
