/// The scores of a generated answer, by the metrics and filters of a task file.
///
///   exact_match   is_exact_match with the task's rule
///   f1, contains  score_reading
///   drop          em and f1 of score_drop; the target is a list of lists of spans
///   coqa          em and f1 of score_coqa
///   squadv2       exact and f1 over all questions, over those with an answer (HasAns_), and over
///                 those without one (NoAns_), where only an empty answer is right; the share of
///                 the latter that got any text (NoAns_answered)
///
/// Where a continuation is also scored, its probability is a score, too: kNoAnswerProbability.
///
/// A task with several filters has every score once for each, as "exact_match,strict-match".
///
/// Source     lm-evaluation-harness 0.4.13 `ConfigurableTask.process_results`, each metric's file
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "eval/metric.h"
#include "eval/task_file/question.h"

namespace nibble::eval {

/// How probable the continuation is that says that there is no answer.
inline constexpr std::string_view kNoAnswerProbability = "no_answer_probability";

/// Raises kCorruptData "where: reason" for a target that the task's metrics cannot be scored with.
void check_target(const TaskDefinition& task, const Question& question, std::string_view where);

/// Rows of all metrics and filters, in the task's order.
std::vector<MetricRow> answer_metric_rows(const TaskDefinition& task);

/// nullopt for `text`: the question has no answer.
SampleScores score_answer(const TaskDefinition& task,
                          const Question& question,
                          const std::optional<std::string>& text);

}  // namespace nibble::eval
