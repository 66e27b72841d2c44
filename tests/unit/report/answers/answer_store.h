/// A study of answers over documents made by hand for tests: squad at 512 tokens with attention and
/// at 2,048 without, eight questions each, asked of the first two of five variants.
///
///   question i     the gold document is number i mod 5 of five; one layer, two heads
///   reference      F1 at 512: 1 for even i, else 0.5; at 2,048 half of that
///                  rank 1 for even i, else 2; lift 2 or 0.5; drift 0.1 i
///   small          F1 at 512 as the reference, at 2,048 nothing; rank 2 or 1; drift 0.2 i
///   right          F1 of at least 0.75
#pragma once

#include <fmt/format.h>

#include "rag/answer/attention_record.h"
#include "unit/report/advice/advice_store.h"

namespace nibble::report {

inline constexpr std::size_t kQuestions = 8;

inline store::Plan answer_plan(const std::vector<store::TaskRecord>& more = {}) {
  const store::MetricRecord f1{"f1", "fraction", true, "identity"};
  const store::MetricRecord em{"exact_match", "fraction", true, "identity"};
  store::Plan plan = advice_plan();
  plan.tasks = {{"s0", "squad@2048", 1, "gold", "d", kQuestions, {f1, em}},
                {"s1",
                 "squad@512",
                 1,
                 "gold",
                 "d",
                 kQuestions,
                 {f1,
                  em,
                  {"attention_p1", "fraction", true, "identity"},
                  {"attention_rank", "rank", false, "identity"},
                  {"drift_mean", "bits", false, "identity"}}}};
  plan.tasks[0].context = store::ContextRecord{"squad", "gold", {}, 2048, {}};
  plan.tasks[1].context = store::ContextRecord{"squad", "gold", {}, 512, {}};
  plan.tasks.insert(plan.tasks.end(), more.begin(), more.end());
  plan.units.clear();
  for (const store::VariantRecord& variant : plan.variants) {
    for (const store::TaskRecord& task : plan.tasks) {
      plan.units.push_back({variant.id + "/" + task.id, variant.id, task.id, ""});
    }
  }
  return plan;
}

/// The prompt of question `i`: five passages "passage J of I." a line each, then the question.
inline std::string answer_prompt(std::size_t i) {
  std::string out;
  for (std::size_t j = 0; j < 5; ++j) {
    out += fmt::format("passage {} of {}.\n", j, i);
  }
  return out + fmt::format("\nQuestion: who was <{}>?\nAnswer:", i);
}

/// Head 0 gives the gold document `mass` and the others 0.1 each, head 1 everything equally.
inline rag::AttentionRecord answer_attention(std::size_t i, float mass) {
  rag::AttentionRecord out;
  out.n_layers = 1;
  out.n_heads = 2;
  const std::size_t gold = i % 5;
  constexpr std::uint32_t kLine = 16;
  for (std::uint32_t j = 0; j < 5; ++j) {
    out.documents.push_back({j * kLine, j * kLine + kLine - 1, 5, j == gold});
    out.last.push_back(j == gold ? mass : 0.1F);
    out.steps.push_back(j == gold ? mass / 2 + 0.05F : 0.1F);
    out.question.push_back(0.1F);
  }
  out.last.insert(out.last.end(), 5, 0.1F);
  out.answer = {1};
  out.sinks = {0.25F};
  return out;
}

/// Scores by metric of question `i`.
using AnswerScores = std::vector<std::pair<std::string, double>>;

inline void add_answer(store::Store& store,
                       const std::string& unit,
                       std::size_t i,
                       const AnswerScores& scores,
                       std::optional<float> gold_mass = {}) {
  store::SampleRecord sample{
      i, fmt::format("q{}", i), answer_prompt(i), "Oda", fmt::format("{} says <{}>", unit, i), {}};
  for (const auto& [metric, value] : scores) {
    sample.scores.push_back({metric, store::ScoreRecord::Ratio{value, 1}});
  }
  if (gold_mass) {
    sample.attention = rag::pack(answer_attention(i, *gold_mass));
  }
  store.add_samples(unit, std::vector{sample});
}

inline void add_answers(store::Store& store) {
  for (std::size_t i = 0; i < kQuestions; ++i) {
    const bool is_even = i % 2 == 0;
    const double f1 = is_even ? 1.0 : 0.5;
    const double right = is_even ? 1.0 : 0.0;
    const auto number = static_cast<double>(i);
    add_answer(store, "v0/s0", i, {{"f1", f1 / 2}});
    add_answer(store, "v1/s0", i, {{"f1", 0}});
    add_answer(store,
               "v0/s1",
               i,
               {{"f1", f1},
                {"subspan_em", right},
                {"attention_p1", is_even ? 1 : 0},
                {"attention_rank", is_even ? 1 : 2},
                {"attention_lift", is_even ? 2 : 0.5},
                {"drift_mean", 0.1 * number}},
               is_even ? 0.6F : 0.05F);
    add_answer(store,
               "v1/s1",
               i,
               {{"f1", f1},
                {"subspan_em", right},
                {"attention_p1", is_even ? 0 : 1},
                {"attention_rank", is_even ? 2 : 1},
                {"attention_lift", is_even ? 0.5 : 2},
                {"drift_mean", 0.2 * number}},
               is_even ? 0.05F : 0.6F);
  }
}

inline store::SummaryRecord answer_summary(const std::string& unit,
                                           const std::string& metric,
                                           double value) {
  return {unit, metric, kQuestions, 0, value, {}, {}, {}};
}

inline store::SummaryRecord answer_compared(const std::string& unit,
                                            const std::string& metric,
                                            double value,
                                            double difference,
                                            double p_adjusted = 1) {
  store::SummaryRecord row = answer_summary(unit, metric, value);
  row.comparison = store::ComparisonRecord{
      difference, difference - 0.01, difference + 0.01, p_adjusted, p_adjusted, kQuestions, {}, {}};
  return row;
}

inline std::vector<store::SummaryRecord> answer_summaries() {
  return {answer_summary("v0/s0", "f1", 0.375),
          answer_summary("v0/s1", "f1", 0.75),
          answer_summary("v0/s1", "exact_match", 0.5),
          answer_summary("v0/s1", "attention_p1", 0.5),
          answer_summary("v0/s1", "attention_rank", 1.5),
          answer_summary("v0/s1", "drift_mean", 0.35),
          answer_compared("v1/s0", "f1", 0, -0.375, 0.001),
          answer_compared("v1/s1", "f1", 0.75, 0),
          answer_compared("v1/s1", "attention_rank", 1.5, 0),
          answer_compared("v1/s1", "drift_mean", 0.7, 0.35)};
}

inline store::Store answer_store(const std::filesystem::path& path,
                                 const std::vector<store::TaskRecord>& more = {}) {
  store::Store store = advice_store(path);
  store.replace_plan(answer_plan(more));
  add_answers(store);
  store.replace_summaries(answer_summaries());
  return store;
}

}  // namespace nibble::report
