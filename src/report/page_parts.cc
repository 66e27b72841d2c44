#include "report/page_parts.h"

#include <fmt/format.h>

#include "report/format.h"
#include "report/tables.h"

namespace nibble::report {
namespace {

constexpr std::string_view kScoresBegin =
    "<div class=\"scroll\"><table class=\"overview sortable\"><thead><tr>"
    "<th scope=\"col\">Variant</th>";

std::string missing_html(std::string_view reason) {
  return fmt::format("<td class=\"number missing\" data-sort=\"\">{}</td>", escape_html(reason));
}

std::string number_html(double sort, std::string_view inner) {
  return fmt::format("<td class=\"number\" data-sort=\"{}\">{}</td>", exact_text(sort), inner);
}

/// Value and interval on the first line, the difference to the reference on the second.
std::string score_html(const Known<store::SummaryRecord>& known,
                       const store::MetricRecord& metric) {
  if (!known.value) {
    return missing_html(known.reason);
  }
  const store::SummaryRecord& row = *known.value;
  std::string inner =
      fmt::format("<span class=\"value\">{}</span>", value_text(*row.value, metric));
  if (row.low && row.high) {
    inner += fmt::format("<span class=\"ci\">{}\u2013{}</span>",
                         value_text(*row.low, metric),
                         value_text(*row.high, metric));
  }
  std::string_view shade;
  if (const auto& with = row.comparison) {
    const bool worse = is_worse(*with, metric);
    const bool marked = is_significant(*with);
    inner += fmt::format("<span class=\"delta {}{}\">{} [{}, {}]{}</span>",
                         worse ? "worse" : "better",
                         marked ? " sig" : "",
                         difference_text(with->difference, metric),
                         difference_text(with->low, metric),
                         difference_text(with->high, metric),
                         !marked ? "" : (worse ? " \u25BC" : " \u25B2"));
    shade = !marked ? "" : (worse ? " worse-cell" : " better-cell");
  }
  return fmt::format(
      "<td class=\"number{}\" data-sort=\"{}\">{}</td>", shade, exact_text(*row.value), inner);
}

std::string spread_html(const Known<Spread>& known, double divisor) {
  if (!known.value) {
    return missing_html(known.reason);
  }
  const Spread& spread = *known.value;
  std::string inner =
      fmt::format("<span class=\"value\">{}</span>", number_text(spread.median / divisor));
  if (spread.n > 1) {
    inner += fmt::format("<span class=\"delta\">{}\u2013{}</span>",
                         number_text(spread.min / divisor),
                         number_text(spread.max / divisor));
  }
  return number_html(spread.median / divisor, inner);
}

std::string swatch_html(const Variant& variant) {
  return fmt::format("<span class=\"swatch\" style=\"--slot:var(--slot-{})\"></span>",
                     variant.colour());
}

/// A second line below the name, where it says more than the name does.
std::string subtitle_html(const Variant& variant) {
  const std::string& recipe = variant.record.recipe_name;
  if (!variant.is_reference && recipe == variant.record.name) {
    return {};
  }
  return fmt::format("<span class=\"recipe\">{}</span>",
                     variant.is_reference ? "reference" : escape_html(recipe));
}

/// The variant's name, and its headline scores of these tasks behind what stands `between`.
std::string scores_row(const Variant& variant,
                       const Data& data,
                       const TaskNumbers& tasks,
                       std::string_view between) {
  std::string row = fmt::format("<tr{}><th scope=\"row\">{}{}{}</th>",
                                variant.is_reference ? " class=\"reference\"" : "",
                                swatch_html(variant),
                                escape_html(variant.record.name),
                                subtitle_html(variant));
  row += between;
  for (const std::size_t t : tasks) {
    row += data.tasks[t].metrics.empty()
               ? missing_html("no metric")
               : score_html(variant.outcomes[t].metrics.front(), data.tasks[t].metrics.front());
  }
  return row;
}

std::string size_cells(const Variant& variant) {
  const auto& facts = variant.record.facts;
  if (!facts) {
    return missing_html("not built yet") + missing_html("not built yet");
  }
  return number_html(static_cast<double>(facts->file_bytes),
                     megabytes_text(static_cast<double>(facts->file_bytes))) +
         number_html(facts->bits_per_weight, fmt::format("{:.2f}", facts->bits_per_weight));
}

std::string head_html(std::string_view title, std::string_view small) {
  return fmt::format("<th scope=\"col\" class=\"number\">{}<small>{}</small></th>",
                     escape_html(title),
                     escape_html(small));
}

std::string score_heads(const Data& data, const TaskNumbers& tasks) {
  std::string out;
  for (const std::size_t t : tasks) {
    const store::TaskRecord& task = data.tasks[t];
    std::string small = "no metric";
    if (!task.metrics.empty()) {
      const store::MetricRecord& metric = task.metrics.front();
      const std::string unit = unit_label(metric);
      small = fmt::format("{}{} {}",
                          metric.name,
                          unit.empty() ? "" : ", " + unit,
                          metric.higher_is_better ? "\u2191" : "\u2193");
    }
    out += head_html(task.name, small);
  }
  return out;
}

}  // namespace

std::string qualifier_html(const Findings& findings) {
  return findings.qualifier.empty()
             ? ""
             : fmt::format("<p class=\"qualifier\">{}</p>\n", escape_html(findings.qualifier));
}

std::string details_html(const Findings& findings) {
  std::string out;
  for (const std::string& text : findings.details) {
    out += fmt::format("<li>{}</li>\n", escape_html(text));
  }
  return out.empty() ? out : fmt::format("<ul>\n{}</ul>\n", out);
}

std::string facts_html(const Data& data) {
  std::string out = "<dl class=\"facts\">\n";
  const auto fact = [&out](std::string_view term, std::string_view text) {
    if (!text.empty()) {
      out +=
          fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", escape_html(term), escape_html(text));
    }
  };
  std::size_t n_samples = 0;
  for (const store::TaskRecord& task : data.tasks) {
    n_samples += task.n_samples;
  }
  fact("Model", data.condition("model"));
  fact("Variants", fmt::format("{}", data.variants.size()));
  fact("Samples for each", fmt::format("{}", n_samples));
  fact("Arithmetic", data.condition("arithmetic"));
  fact("Processor", data.condition("processor"));
  fact("Threads", data.condition("threads"));
  return out + "</dl>\n";
}

std::string notes_html(const Data& data) {
  std::string out;
  for (const std::string& text : data.notes) {
    out += fmt::format("<p class=\"note\">{}</p>\n", escape_html(text));
  }
  return out;
}

std::string overview_html(const Data& data) {
  TaskNumbers tasks;
  for (std::size_t t = 0; t < data.tasks.size(); ++t) {
    if (!data.tasks[t].context) {
      tasks.push_back(t);
    }
  }
  std::string out = std::string(kScoresBegin) + head_html("File", "MB") +
                    head_html("Bits", "per weight") + score_heads(data, tasks) +
                    head_html("Decode", "ms/token") + head_html("Peak memory", "MB");
  out += "</tr></thead><tbody>\n";
  for (const Variant& variant : data.variants) {
    out += scores_row(variant, data, tasks, size_cells(variant));
    out += spread_html(variant.measured("decode"), 1);
    out += spread_html(variant.measured("peak_memory"), kMegabyte) + "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string answers_html(const Data& data) {
  std::string out;
  for (const AnswerGroup& group : data.answers.groups) {
    out += fmt::format("<h3>{}<small>{} questions</small></h3>\n{}{}</tr></thead><tbody>\n",
                       escape_html(group.name),
                       data.tasks[group.tasks.front()].n_samples,
                       kScoresBegin,
                       score_heads(data, group.tasks));
    for (const Variant& variant : data.variants) {
      out += scores_row(variant, data, group.tasks, "") + "</tr>\n";
    }
    out += "</tbody></table></div>\n";
  }
  return out;
}

}  // namespace nibble::report
