#include "data/hellaswag.h"

#include <span>

#include "data/text_file.h"

namespace nibble::data {
namespace {

constexpr std::size_t kLinesPerItem = 6;

std::string_view without_return(std::string_view line) {
  return line.ends_with('\r') ? line.substr(0, line.size() - 1) : line;
}

Result<HellaswagRecord> parse_item(std::span<const std::string_view> lines) {
  const std::string_view text = without_return(lines[0]);
  const std::size_t colon = text.find(": ");
  if (colon == std::string_view::npos) {
    return fail(ErrorCode::kCorruptData, "expected 'ACTIVITY: CONTEXT'");
  }
  const std::string_view gold = without_return(lines[1]);
  if (gold.size() != 1 || gold[0] < '0' || gold[0] > '3') {
    return fail(ErrorCode::kCorruptData, "'{}' after the context, expected 0 to 3", gold);
  }
  HellaswagRecord record;
  record.activity = text.substr(0, colon);
  record.context = text.substr(colon + 2);
  record.gold = static_cast<std::size_t>(gold[0] - '0');
  for (std::size_t i = 0; i < record.endings.size(); ++i) {
    record.endings[i] = without_return(lines[2 + i]);
  }
  return record;
}

}  // namespace

Result<DataSet<HellaswagRecord>> hellaswag_records(const std::filesystem::path& path) {
  const auto file = read_text(path);
  if (!file) {
    return file.failure();
  }
  const std::vector<std::string_view> lines = split_lines(file->text);
  DataSet<HellaswagRecord> out{{}, file->sha256};
  for (std::size_t at = 0; at < lines.size(); at += kLinesPerItem) {
    const std::size_t left = lines.size() - at;
    if (left < kLinesPerItem) {
      return fail(ErrorCode::kCorruptData,
                  "{}:{}: {} lines are left, expected {} for an item",
                  path.string(),
                  at + 1,
                  left,
                  kLinesPerItem);
    }
    auto record = parse_item(std::span(lines).subspan(at, kLinesPerItem));
    if (!record) {
      return record.failure().within(fmt::format("{}:{}", path.string(), at + 1));
    }
    out.rows.push_back(std::move(*record));
  }
  return out;
}

}  // namespace nibble::data
