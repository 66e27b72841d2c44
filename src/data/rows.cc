#include "data/rows.h"

#include <nlohmann/json.hpp>

#include "base/ordered_json.h"
#include "data/csv.h"
#include "data/hellaswag.h"
#include "data/squad.h"
#include "data/text_file.h"
#include "text/jinja/from_json.h"

namespace nibble::data {
namespace {

using text::jinja::Entry;
using text::jinja::List;
using text::jinja::Value;

Row row_of(const OrderedJson& json, std::string_view where) {
  if (!json.is_object()) {
    raise(ErrorCode::kCorruptData, "{}: wanted a JSON object", where);
  }
  try {
    return text::jinja::value_of(json);
  } catch (const Error& error) {
    throw Error(error.failure().within(where));
  }
}

std::vector<Row> rows_of_lines(std::string_view text, const std::string& where) {
  std::vector<Row> rows;
  for_each_ordered_json_line(text,
                             where,
                             [&](OrderedJson&& json, std::size_t line) -> Result<void> {
                               rows.push_back(row_of(json, fmt::format("{}:{}", where, line)));
                               return {};
                             })
      .take();
  return rows;
}

std::vector<Row> rows_of_document(std::string_view text, const std::string& where) {
  const OrderedJson json = parse_ordered_json(text, where).take();
  if (!json.is_array()) {
    raise(ErrorCode::kCorruptData, "{}: wanted a JSON list of objects", where);
  }
  std::vector<Row> rows;
  for (const OrderedJson& one : json) {
    rows.push_back(row_of(one, fmt::format("{}: row {}", where, rows.size() + 1)));
  }
  return rows;
}

std::vector<Row> rows_of_csv(std::string_view text,
                             const std::string& where,
                             std::vector<std::string> columns) {
  std::vector<CsvRecord> records = parse_csv(text, where).take();
  std::size_t first = 0;
  if (columns.empty() && !records.empty()) {
    columns = records.front().fields;
    first = 1;
  }
  std::vector<Row> rows;
  for (std::size_t i = first; i < records.size(); ++i) {
    if (records[i].fields.size() != columns.size()) {
      raise(ErrorCode::kCorruptData,
            "{}:{}: {} fields for {} columns",
            where,
            records[i].line,
            records[i].fields.size(),
            columns.size());
    }
    std::vector<Entry> entries;
    for (std::size_t c = 0; c < columns.size(); ++c) {
      entries.emplace_back(columns[c], std::move(records[i].fields[c]));
    }
    rows.emplace_back(std::move(entries));
  }
  return rows;
}

List texts(auto& strings) {
  List out;
  for (auto& one : strings) {
    out.emplace_back(std::move(one));
  }
  return out;
}

DataSet<Row> rows_of_squad(const std::filesystem::path& path) {
  DataSet<SquadRecord> set = squad_records(path).take();
  DataSet<Row> out{{}, set.sha256};
  for (SquadRecord& one : set.rows) {
    out.rows.emplace_back(
        std::vector<Entry>{{"id", std::move(one.id)},
                           {"title", std::move(one.title)},
                           {"context", std::move(one.context)},
                           {"question", std::move(one.question)},
                           {"answers", std::vector<Entry>{{"text", texts(one.answers)}}}});
  }
  return out;
}

DataSet<Row> rows_of_hellaswag(const std::filesystem::path& path) {
  DataSet<HellaswagRecord> set = hellaswag_records(path).take();
  DataSet<Row> out{{}, set.sha256};
  for (HellaswagRecord& one : set.rows) {
    out.rows.emplace_back(std::vector<Entry>{{"activity_label", std::move(one.activity)},
                                             {"ctx_a", std::move(one.context)},
                                             {"ctx_b", ""},
                                             {"endings", texts(one.endings)},
                                             {"label", fmt::format("{}", one.gold)}});
  }
  return out;
}

DataSet<Row> rows_by_extension(const std::filesystem::path& path, const RowFormat& format) {
  const std::string name = path.string();
  const std::string kind = (path.extension() == ".gz" ? path.stem() : path).extension().string();
  if (kind != ".jsonl" && kind != ".json" && kind != ".csv") {
    raise(ErrorCode::kUnsupported, "{}: rows come from .jsonl, .json or .csv", name);
  }
  const TextFile file = read_text(path).take();
  std::vector<Row> rows = kind == ".jsonl"  ? rows_of_lines(file.text, name)
                          : kind == ".json" ? rows_of_document(file.text, name)
                                            : rows_of_csv(file.text, name, format.csv_columns);
  return {std::move(rows), file.sha256};
}

}  // namespace

Result<DataSet<Row>> read_rows(const std::filesystem::path& path, const RowFormat& format) {
  try {
    DataSet<Row> out = format.reader == "squad"       ? rows_of_squad(path)
                       : format.reader == "hellaswag" ? rows_of_hellaswag(path)
                       : format.reader.empty()        ? rows_by_extension(path, format)
                                                      : DataSet<Row>();
    if (!format.reader.empty() && out.sha256.empty()) {
      raise(ErrorCode::kInvalidArgument,
            "{}: no reader '{}', wanted squad or hellaswag",
            path.string(),
            format.reader);
    }
    if (out.rows.empty()) {
      raise(ErrorCode::kCorruptData, "{}: no rows", path.string());
    }
    return out;
  } catch (const Error& error) {
    return error.failure();
  }
}

}  // namespace nibble::data
