#include "profile/hardware.h"

#include <algorithm>
#include <cctype>

#include "base/file.h"
#include "base/suggest.h"
#include "base/toml.h"
#include "embedded/hardware.h"

namespace nibble::profile {
namespace {

bool same_letters(std::string_view a, std::string_view b) {
  return std::ranges::equal(
      a, b, [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

std::optional<double> positive(TomlTable& table, std::string_view key) {
  const auto value = table.optional<double>(key);
  if (value && !(*value > 0)) {
    table.reject(key, "expected a number above 0");
  }
  return value;
}

Hardware read_row(TomlTable& table) {
  Hardware row;
  row.name = table.required<std::string>("name");
  row.also = table.optional<std::vector<std::string>>("also").value_or(std::vector<std::string>{});
  row.fp16_tflops = positive(table, "fp16_tflops");
  row.int8_tops = positive(table, "int8_tops");
  row.fp32_tflops = positive(table, "fp32_tflops");
  row.bandwidth_gb_s = positive(table, "bandwidth_gb_s");
  row.power_w = positive(table, "power_w");
  row.memory = table.optional<std::string>("memory").value_or("");
  row.source = table.required<std::string>("source");
  table.finish();
  return row;
}

}  // namespace

std::vector<Hardware> parse_hardware(std::string_view text, std::string_view where) {
  const TomlDocument document = TomlDocument::parse(text, where).take();
  TomlTable root = document.root();
  std::vector<Hardware> rows;
  for (TomlTable& table : root.tables("hardware")) {
    rows.push_back(read_row(table));
  }
  root.finish();
  return rows;
}

std::vector<Hardware> builtin_hardware() {
  const EmbeddedFile& file = hardware_files().front();
  return parse_hardware(file.text, file.name);
}

std::vector<Hardware> read_hardware(const std::filesystem::path& path) {
  return parse_hardware(read_text_file(path).take(), path.string());
}

Result<Hardware> find_hardware(const std::vector<Hardware>& table, std::string_view name) {
  std::vector<std::string_view> names;
  for (const Hardware& row : table) {
    const auto is_it = [name](const std::string& other) { return same_letters(other, name); };
    if (is_it(row.name) || std::ranges::any_of(row.also, is_it)) {
      return row;
    }
    names.emplace_back(row.name);
    names.insert(names.end(), row.also.begin(), row.also.end());
  }
  return fail(ErrorCode::kNotFound,
              "'{}' is not in the table of hardware{}",
              name,
              did_you_mean(name, names));
}

}  // namespace nibble::profile
