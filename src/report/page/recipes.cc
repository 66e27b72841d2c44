#include "report/page/recipes.h"

#include <fmt/format.h>

#include <algorithm>

#include "report/format.h"
#include "report/page/budget.h"

namespace nibble::report {
namespace {

constexpr std::size_t kShownHash = 12;

std::string recipe_html(const Variant& variant) {
  return fmt::format(
      "<details><summary><span class=\"swatch s{}\"></span>{}<small>SHA-256 "
      "{}</small></summary><pre class=\"recipe-text\">{}</pre></details>\n",
      variant.colour(),
      escape_html(variant.record.name),
      escape_html(variant.record.recipe_hash.substr(0, kShownHash)),
      escape_html(variant.record.recipe_text));
}

}  // namespace

std::string recipes_html(const Data& data) {
  std::string out;
  std::size_t n = 0, n_shown = 0;
  bool is_full = false;
  for (const Variant& variant : data.variants) {
    if (variant.record.recipe_text.empty()) {
      continue;
    }
    ++n;
    const std::string html = recipe_html(variant);
    is_full = is_full || out.size() + html.size() > kRecipeBytes;
    if (!is_full) {
      out += html;
      ++n_shown;
    }
  }
  if (n == 0) {
    return "";
  }
  if (n_shown < n) {
    out += fmt::format(
        "<p class=\"cut\">The first {} of {} recipes; all of them: <code>tables/recipes.csv</code> "
        "beside this page.</p>",
        n_shown,
        n);
  }
  return fmt::format("<details><summary>Recipes</summary><div class=\"inner\">{}</div></details>\n",
                     out);
}

Table recipe_table(const Data& data) {
  Table table{
      "recipes",
      "Recipes",
      "How every variant was made",
      {{"Variant", false, {}}, {"Recipe", false, {}}, {"SHA-256", false, {}}, {"Text", false, {}}},
      {}};
  for (const Variant& variant : data.variants) {
    if (const auto& record = variant.record; !record.recipe_text.empty()) {
      table.rows.push_back({text_cell(record.name),
                            text_cell(record.recipe_name),
                            text_cell(record.recipe_hash),
                            text_cell(record.recipe_text)});
    }
  }
  return table;
}

}  // namespace nibble::report
