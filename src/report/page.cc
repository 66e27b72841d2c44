#include "report/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "base/check.h"
#include "embedded/page.h"
#include "embedded/vega.h"
#include "report/answers/tables.h"
#include "report/format.h"
#include "report/page/budget.h"
#include "report/page/examples.h"
#include "report/page/plot_data.h"
#include "report/page/recipes.h"
#include "report/page/tables.h"
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

std::vector<Table> joined(std::vector<Table> first, std::vector<Table> second) {
  std::ranges::move(second, std::back_inserter(first));
  return first;
}

/// Tables of scores with their colours; none where these would be too large.
struct ScoreTables {
  std::string overview, answers;
};

ScoreTables score_tables(const Data& data) {
  ScoreTables out{overview_html(data), answers_html(data)};
  return out.overview.size() + out.answers.size() <= kScoreBytes ? out : ScoreTables{};
}

PageTables page_tables(const Data& data, const ScoreTables& scores) {
  TablesOfSections sections;
  sections["cost"] = joined({cost_table(data)}, profile_tables(data));
  sections["differences"] = {difference_table(data), quality_table(data)};
  sections["retrieval"] = retrieval_tables(data);
  sections["conditions"] = {task_table(data), condition_table(data)};
  sections["paper"] = paper_tables(data);
  if (data.answers.attention_task) {
    sections["heads"] = {head_agreement_table(data)};
  }
  if (scores.overview.empty()) {
    sections["overview"] = {overview_table(data)};
    for (std::size_t group = 0; group < data.answers.groups.size(); ++group) {
      sections["answers"].push_back(answer_table(data, group));
    }
  }
  return PageTables(std::move(sections));
}

/// Nothing where no task asks over documents.
std::string answers_section_html(const Data& data,
                                 const ScoreTables& scores,
                                 const PageTables& tables) {
  return data.answers.groups.empty()
             ? ""
             : fill(asset("answers.html"),
                    {{"tables", scores.answers.empty() ? tables.open("answers") : scores.answers},
                     {"retrieval", tables.folded("retrieval")},
                     {"heads", tables.folded("heads")}});
}

std::string script() {
  std::string out;
  for (const std::string_view name :
       {"advice_rule.js", "plots.js", "tables.js", "advice.js", "answers.js", "page.js"}) {
    out.append(asset(name));
  }
  return out;
}

}  // namespace

std::string html_page(const Data& data, const Findings& findings) {
  const ScoreTables scores = score_tables(data);
  const PageTables tables = page_tables(data, scores);
  const Slots slots = {
      {"title", escape_html(data.name.empty() ? "A study without a name" : data.name)},
      {"css", std::string(asset("page.css"))},
      {"compared", escape_html(findings.compared)},
      {"headline", escape_html(findings.headline)},
      {"qualifier", qualifier_html(findings)},
      {"details", details_html(findings)},
      {"facts", facts_html(data)},
      {"notes", left_out_html(data) + notes_html(data)},
      {"overview", scores.overview.empty() ? tables.open("overview") : scores.overview},
      {"answers", answers_section_html(data, scores, tables)},
      {"answers_link", data.answers.groups.empty() ? "" : "<a href=\"#answers\">Answers</a>\n"},
      {"cost", tables.folded("cost")},
      {"differences", tables.folded("differences")},
      {"examples", examples_html(data)},
      {"conditions", tables.folded("conditions") + recipes_html(data)},
      {"paper", tables.folded("paper")},
      {"tables", tables.data()},
      {"data", plot_data_json(data)},
      {"vega", vega_script()},
      {"script", script()},
  };
  return fill(asset("page.html"), slots);
}

}  // namespace nibble::report
