#include "study/sample_record.h"

#include <fmt/format.h>

#include "base/hash.h"

namespace nibble::study {

store::TaskRecord task_record(const eval::Task& task) {
  const eval::TaskInfo& info = task.info();
  store::TaskRecord record;
  record.name = info.name;
  record.version = info.version;
  record.protocol = info.protocol;
  record.data_hash = info.data_hash;
  record.n_samples = task.n_samples();
  if (const auto& context = info.context) {
    record.context = store::ContextRecord{
        context->set, context->mode, context->n_documents, context->budget, context->gold_slot};
  }
  for (const eval::MetricRow& metric : info.metrics) {
    record.metrics.push_back({metric.name,
                              metric.unit,
                              metric.better == eval::Direction::kHigher,
                              std::string(eval::transform_name(metric.transform))});
  }
  record.id = Sha256()
                  .field("task")
                  .field(info.name)
                  .field(fmt::format("{}", info.version))
                  .field(info.protocol)
                  .field(info.data_hash)
                  .field(fmt::format("{}", task.n_samples()))
                  .hex();
  return record;
}

store::SampleRecord sample_record(eval::Sample sample, eval::SampleResult result) {
  store::SampleRecord record{sample.index,
                             std::move(sample.id),
                             std::move(sample.prompt),
                             std::move(sample.target),
                             std::move(result.answer),
                             {},
                             result.n_cut_tokens,
                             result.hit_limit,
                             std::move(result.responses),
                             {},
                             result.chance,
                             std::move(result.attention)};
  for (const auto& [metric, value] : result.scores) {
    store::ScoreRecord score{metric, {}};
    if (value) {
      score.ratio = store::ScoreRecord::Ratio{value->sum, value->weight};
    }
    record.scores.push_back(std::move(score));
  }
  for (const eval::Flag flag : result.flags) {
    record.flags.emplace_back(eval::flag_name(flag));
  }
  return record;
}

eval::SampleScores scores_of(const store::SampleRecord& record) {
  eval::SampleScores out;
  for (const store::ScoreRecord& score : record.scores) {
    out[score.metric] =
        score.ratio ? std::optional(eval::Contribution{score.ratio->sum, score.ratio->weight})
                    : std::nullopt;
  }
  return out;
}

}  // namespace nibble::study
