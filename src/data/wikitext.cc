#include "data/wikitext.h"

#include <algorithm>

#include "base/utf8.h"

namespace nibble::data {
namespace {

/// Replaces from left to right without looking at what was replaced, as Python's str.replace does.
std::string replaced(std::string_view text, std::string_view from, std::string_view to) {
  std::string out;
  for (;;) {
    const std::size_t at = text.find(from);
    out += text.substr(0, at);
    if (at == std::string_view::npos) {
      return out;
    }
    out += to;
    text.remove_prefix(at + from.size());
  }
}

/// True for " = Title = ", false for " = = Section = = ".
bool is_title(std::string_view line) {
  if (line.find('=') == std::string_view::npos) {
    return false;
  }
  const std::string joined = replaced(replaced(line, "= = =", "==="), "= =", "==");
  const std::string_view heading = utf8::strip(joined);
  return heading.starts_with("= ") && heading.ends_with(" =");
}

}  // namespace

std::string join_wikitext_rows(std::string_view raw) {
  std::string out;
  out.reserve(raw.size() * 2);
  bool first = true;
  while (!raw.empty()) {
    const std::size_t newline = raw.find('\n');
    const std::string_view row =
        raw.substr(0, newline == std::string_view::npos ? newline : newline + 1);
    raw.remove_prefix(row.size());
    out += first ? "" : "\n\n";
    first = false;
    if (!utf8::strip(row).empty()) {
      out += row;
    }
  }
  return out;
}

std::vector<std::string> split_wikitext_pages(std::string_view raw) {
  std::vector<std::string> pages;
  std::size_t begin = 0;  // of the page that is being read
  const auto end_page = [&](std::size_t end) {
    const std::string_view page = raw.substr(begin, end - begin);
    if (!utf8::strip(page).empty()) {
      pages.emplace_back(page);
    }
  };
  for (std::size_t at = 0; at < raw.size();) {
    const std::size_t newline = std::min(raw.find('\n', at), raw.size());
    if (is_title(raw.substr(at, newline - at))) {
      end_page(at > begin ? at - 1 : begin);  // the line end before a heading belongs to no page
      begin = at;
    }
    at = newline + 1;
  }
  end_page(raw.size());
  return pages;
}

Result<TextFile> wikitext_rows_text(const std::filesystem::path& path) {
  auto file = read_text(path);
  if (file) {
    file->text = join_wikitext_rows(file->text);
  }
  return file;
}

}  // namespace nibble::data
