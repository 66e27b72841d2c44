#include "report/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "base/check.h"
#include "embedded/page.h"
#include "embedded/vega.h"
#include "report/answers/tables.h"
#include "report/format.h"
#include "report/page_parts.h"
#include "report/paper/tables.h"
#include "report/profile/tables.h"
#include "report/retrieval/tables.h"
#include "report/tables.h"

namespace nibble::report {
namespace {

using Slots = std::map<std::string, std::string, std::less<>>;

std::string_view asset(std::string_view name) {
  const auto files = page_files();
  const auto found = std::ranges::find(files, name, &EmbeddedFile::name);
  NIBBLE_CHECK(found != files.end(), "an asset of the page is not embedded");
  return found->text;
}

/// Replaces each {{name}} of the template once; what is put in is not looked at again.
std::string fill(std::string_view page, const Slots& slots) {
  std::string out;
  while (true) {
    const std::size_t open = page.find("{{");
    const std::size_t close = page.find("}}", open);
    if (open == std::string_view::npos || close == std::string_view::npos) {
      return out.append(page);
    }
    const auto slot = slots.find(page.substr(open + 2, close - open - 2));
    NIBBLE_CHECK(slot != slots.end(), "the page has a slot that nothing fills");
    out.append(page.substr(0, open)).append(slot->second);
    page.remove_prefix(close + 2);
  }
}

/// "vega-util.min.js" as the module that the others know as "vega-util".
std::string module_name(std::string_view file) {
  const std::string_view stem = file.substr(0, file.find('.'));
  return stem == "vega-selection" ? "vega-selections" : std::string(stem);
}

/// The library's modules as functions by name, without their pointers to source maps.
std::string vega_script() {
  std::string out = "const vegaModules = {};\n";
  for (const EmbeddedFile& file : vega_files()) {
    const std::string_view text = file.text.substr(0, file.text.find("//# sourceMappingURL"));
    out += fmt::format("vegaModules[\"{}\"] = function (exports, module, require) {{\n{}\n}};\n",
                       module_name(file.name),
                       text);
  }
  return out.append(asset("modules.js"));
}

std::string folded(const std::vector<Table>& tables) {
  std::string out;
  for (const Table& table : tables) {
    out += folded_table_html(table);
  }
  return out;
}

/// Nothing where no task asks over documents.
std::string answers_section_html(const Data& data) {
  const std::string tables = answers_html(data);
  const std::string heads =
      data.answers.attention_task ? folded_table_html(head_agreement_table(data)) : "";
  return tables.empty() ? ""
                        : fill(asset("answers.html"),
                               {{"tables", tables},
                                {"retrieval", folded(retrieval_tables(data))},
                                {"heads", heads}});
}

std::string script() {
  std::string out;
  for (const std::string_view name :
       {"plots.js", "advice_rule.js", "advice.js", "answers.js", "page.js"}) {
    out.append(asset(name));
  }
  return out;
}

}  // namespace

std::string html_page(const Data& data, const Findings& findings) {
  const Slots slots = {
      {"title", escape_html(data.name.empty() ? "A study without a name" : data.name)},
      {"css", std::string(asset("page.css"))},
      {"compared", escape_html(findings.compared)},
      {"headline", escape_html(findings.headline)},
      {"qualifier", qualifier_html(findings)},
      {"details", details_html(findings)},
      {"facts", facts_html(data)},
      {"notes", notes_html(data)},
      {"overview", overview_html(data)},
      {"answers", answers_section_html(data)},
      {"answers_link", data.answers.groups.empty() ? "" : "<a href=\"#answers\">Answers</a>\n"},
      {"cost", folded_table_html(cost_table(data)) + folded(profile_tables(data))},
      {"differences", folded_table_html(difference_table(data))},
      {"quality", folded_table_html(quality_table(data))},
      {"examples", examples_html(data)},
      {"tasks", folded_table_html(task_table(data))},
      {"conditions", folded_table_html(condition_table(data))},
      {"recipes", recipes_html(data)},
      {"paper", folded(paper_tables(data))},
      {"data", plot_data_json(data)},
      {"vega", vega_script()},
      {"script", script()},
  };
  return fill(asset("page.html"), slots);
}

}  // namespace nibble::report
