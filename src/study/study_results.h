/// lm-evaluation-harness's files of the variants of a study, made from its store.
///
///   folder/<variant>/results_<time>.json, samples_<task>_<time>.jsonl
///
/// A variant has files of the tasks that it has answered to their end. What every task was asked
/// with (chat template, system message, limit) stands in lm-eval's keys where it is the same for
/// all; the protocols under "nibble" have it for each.
///
/// Errors     those of lm_eval_files.h
/// Source     our own
#pragma once

#include <filesystem>

#include "base/progress.h"
#include "model/config.h"
#include "store/store.h"
#include "study/answering_model.h"
#include "study/plan.h"

namespace nibble::study {

/// All that the files are made of.
struct StudyResults {
  const Spec& spec;
  const StudyPlan& plan;
  const store::Store& store;
  const AnsweringModel& model;
  const model::ModelConfig& config;
  std::string program, kernels;  ///< as JudgedModel has them
  double now = 0;                ///< seconds since 1970-01-01 UTC
};

/// Tells `progress` of every results file and of what is left out.
void write_study_results(const std::filesystem::path& folder,
                         const StudyResults& results,
                         ProgressSink& progress);

}  // namespace nibble::study
