#include "report/page/columns.h"

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <tuple>

#include "report/format.h"
#include "report/page/digits.h"

namespace nibble::report {
namespace {

/// The different cells of one column in order of appearance.
class CellDictionary {
 public:
  explicit CellDictionary(bool is_keyed) : is_keyed_(is_keyed) {}

  void add(const Cell& cell) {
    const std::optional<double> key =
        is_keyed_ && !cell.numbers.empty() ? seven_digits(cell.numbers.front()) : std::nullopt;
    const auto [found, is_new] =
        numbers_.emplace(std::tuple(cell.text, key, cell.is_missing), numbers_.size());
    of_.push_back(found->second);
    if (!is_new) {
      return;
    }
    texts_.push_back(valid_utf8(cell.text));
    keys_.push_back(or_null(key));
    if (cell.is_missing) {
      missing_.push_back(found->second);
    }
  }

  [[nodiscard]] Json take() {
    Json out = {{"texts", std::move(texts_)}};
    if (is_keyed_) {
      out["keys"] = std::move(keys_);
    }
    if (!missing_.empty()) {
      out["missing"] = std::move(missing_);
    }
    if (numbers_.size() > 1 && numbers_.size() < of_.size()) {
      out["of"] = std::move(of_);
    }
    return out;
  }

 private:
  bool is_keyed_;
  std::map<std::tuple<std::string, std::optional<double>, bool>, std::size_t> numbers_;
  Json texts_ = Json::array(), keys_ = Json::array(), missing_ = Json::array();
  std::vector<std::size_t> of_;
};

}  // namespace

Json columns_json(const Table& table, std::size_t n_rows) {
  Json columns = Json::array();
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    CellDictionary cells(!table.columns[c].machine.empty());
    for (std::size_t row = 0; row < n_rows; ++row) {
      cells.add(table.rows[row][c]);
    }
    Json column = cells.take();
    column["title"] = table.columns[c].title;
    column["number"] = table.columns[c].is_number;
    columns.push_back(std::move(column));
  }
  return {{"rows", n_rows}, {"columns", std::move(columns)}};
}

}  // namespace nibble::report
