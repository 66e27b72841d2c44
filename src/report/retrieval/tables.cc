#include "report/retrieval/tables.h"

#include <fmt/format.h>

#include "base/nan.h"
#include "report/answers/intervals.h"
#include "report/cells.h"
#include "report/format.h"
#include "report/paper/scores.h"
#include "report/tables.h"

namespace nibble::report {
namespace {

eval::stats::Interval interval_of(const store::SummaryRecord& row) {
  return {row.value.value_or(kNaN), row.low.value_or(kNaN), row.high.value_or(kNaN), row.n};
}

/// "65.2 [61.0, 69.5] (−1.2 [−2.0, −0.3])"; numbers: value, low, high, and those of the difference.
Cell search_score_cell(const Known<store::SummaryRecord>& known,
                       const store::MetricRecord& metric) {
  if (!known.value) {
    return missing_cell(known.reason);
  }
  Cell cell = interval_cell(interval_of(*known.value), kPoints, Sign::kMinusOnly, "no score");
  cell.numbers.resize(6);
  if (const auto& with = known.value->comparison) {
    cell.text += fmt::format(" ({})", comparison_text(*with, metric));
    cell.numbers[3] = with->difference;
    cell.numbers[4] = with->low;
    cell.numbers[5] = with->high;
  }
  return cell;
}

Column search_score_column(std::string title, std::string_view machine) {
  std::vector<std::string> names;
  for (const std::string_view end :
       {"", "_low", "_high", "_difference", "_difference_low", "_difference_high"}) {
    names.push_back(fmt::format("{}{}", machine, end));
  }
  return {std::move(title), true, std::move(names)};
}

Known<double> seconds_of_cost(const Known<store::QuantizeCost>& cost,
                              double store::QuantizeCost::*member) {
  return cost.value ? Known<double>{*cost.value.*member, ""} : Known<double>{{}, cost.reason};
}

Cell whole_cell(std::size_t n) {
  return {fmt::format("{}", n), {static_cast<double>(n)}, false};
}

Row retriever_row(const Retriever& retriever, const RetrieverSearch& search) {
  const Known<store::QuantizeCost> cost = retriever.build_cost();
  Row row{text_cell(retriever.name),
          text_cell(retriever.set),
          text_cell(retriever.record.recipe_text),
          number_cell(retriever.encoder_bytes, 1 / kMegabyte),
          number_cell(retriever.index_bytes, 1 / kMegabyte),
          number_cell(seconds_of_cost(cost, &store::QuantizeCost::seconds)),
          number_cell(seconds_of_cost(cost, &store::QuantizeCost::cpu_seconds)),
          spread_cell(retriever.search_ms),
          whole_cell(search.task.context->n_documents.value_or(0))};
  for (std::size_t m = 0; m < search.metrics.size(); ++m) {
    row.push_back(search_score_cell(search.metrics[m], search.task.metrics[m]));
  }
  const auto& headline = search.metrics.front();
  row.push_back(headline.value ? whole_cell(headline.value->n) : missing_cell(headline.reason));
  return row;
}

/// Weights, encoder and index.
Known<double> pipeline_bytes(const Data& data, const Pipeline& pipeline) {
  const Known<double> weights = data.variants[pipeline.variant].weight_bytes();
  if (!pipeline.retriever) {
    return {{}, "its retriever is not part of the study"};
  }
  const Known<double> search = data.retrievers[*pipeline.retriever].memory_bytes();
  if (!weights.value || !search.value) {
    return {{}, weights.value ? search.reason : weights.reason};
  }
  return {*weights.value + *search.value, ""};
}

/// A metric of the pipeline's task by name.
Cell answer_score_cell(const Data& data, const Pipeline& pipeline, std::string_view name) {
  const auto metric = find_metric(data.tasks[pipeline.task], name);
  if (!metric) {
    return missing_cell("the task has no such score");
  }
  const auto& known = data.variants[pipeline.variant].outcomes[pipeline.task].metrics[*metric];
  return known.value
             ? interval_cell(interval_of(*known.value), kPoints, Sign::kMinusOnly, "no score")
             : missing_cell(known.reason);
}

Row pipeline_row(const Data& data, const Pipeline& pipeline) {
  const Variant& variant = data.variants[pipeline.variant];
  const Known<Spread> search = pipeline.retriever
                                   ? data.retrievers[*pipeline.retriever].search_ms
                                   : Known<Spread>{{}, "its retriever is not part of the study"};
  return {text_cell(data.tasks[pipeline.task].name),
          text_cell(variant.record.name),
          number_cell(pipeline_bytes(data, pipeline), 1 / kMegabyte),
          median_cell(search),
          median_cell(variant.measured("first_token")),
          answer_score_cell(data, pipeline, "f1"),
          answer_score_cell(data, pipeline, "exact_match"),
          pipeline.change.value
              ? interval_cell(*pipeline.change.value, kPoints, Sign::kAlways, "no question")
              : missing_cell(pipeline.change.reason)};
}

}  // namespace

Table retriever_table(const Data& data) {
  Table table{
      "retrievers",
      "Retrievers",
      "Searches over the passages of a set, one question at a time: memory of the encoder's "
      "weights and of the index, time of embedding and linking all passages, milliseconds "
      "a question (median, smallest and largest), and how much of what the set calls right "
      "was found, with 95 % intervals; recall is among as many passages as a prompt takes. "
      "In parentheses the paired difference to the first retriever",
      {{"Retriever", false, {}},
       {"Set", false, {}},
       {"How", false, {}},
       number_column("Encoder MB", "encoder_mb"),
       number_column("Index MB", "index_mb"),
       number_column("Build s", "build_s"),
       number_column("Build CPU s", "build_cpu_s"),
       {"ms a question", true, spread_columns("search_ms")},
       number_column("Passages", "passages"),
       search_score_column("nDCG@10 (%)", "ndcg_10"),
       search_score_column("Recall (%)", "recall"),
       search_score_column("MRR@10 (%)", "mrr_10"),
       number_column("n", "n")},
      {}};
  for (const Retriever& retriever : data.retrievers) {
    for (const RetrieverSearch& search : retriever.searches) {
      table.rows.push_back(retriever_row(retriever, search));
    }
  }
  return table;
}

Table pipeline_table(const Data& data) {
  Table table{"pipelines",
              "Models behind retrievers",
              "Memory of the model's packed weights, the encoder and the index together; time of "
              "one search, and to the first token of an answer where speed was measured; scores "
              "with 95 % intervals; the change of F1 against the same model behind the first "
              "retriever, paired over the same questions",
              {{"Task", false, {}},
               {"Variant", false, {}},
               number_column("Memory MB", "memory_mb"),
               number_column("Search ms", "search_ms"),
               number_column("First token ms", "first_token_ms"),
               interval_column("F1 (%)", "f1"),
               interval_column("Exact match (%)", "exact_match"),
               interval_column("F1, change (points)", "f1_change")},
              {}};
  for (const Pipeline& pipeline : data.pipelines) {
    table.rows.push_back(pipeline_row(data, pipeline));
  }
  return table;
}

std::vector<Table> retrieval_tables(const Data& data) {
  if (data.retrievers.empty()) {
    return {};
  }
  return {retriever_table(data), pipeline_table(data)};
}

}  // namespace nibble::report
