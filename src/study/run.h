/// Runs what a store lacks of a plan, and summarises it.
///
/// Each batch of samples is stored before the next begins, so a stop or a kill at any moment loses
/// at most one batch of work and no record; running again goes on and ends with the same records as
/// an uninterrupted run. What is stored is summed up at the end, before a stop, and in between by
/// summary_pace.h; behind a kill the last variants may have no summaries until the study goes on.
///
/// Retrievers are run before the models, which are asked over what they found. One that fails ends
/// the study, as the reference does.
///
/// Errors     kMismatch where the store belongs to other conditions; kCancelled with how far it
///            came; failures of a single variant are stored with their reason and reported in the
///            result, and the study goes on
/// Source     our own
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/progress.h"
#include "store/store.h"
#include "study/plan.h"
#include "study/split.h"
#include "study/variant_runner.h"

namespace nibble::study {

/// One variant that could not be run to its end.
struct VariantFailure {
  std::string variant;
  Failure failure;
};

/// Writes conditions, notes and plan into the store after checking that they belong together.
void enter_plan(store::Store& store,
                const StudyPlan& plan,
                const Spec& spec,
                const std::filesystem::path& store_path);

/// Runs every unit of the plan's share that is missing. The plan must have been entered. `costs`
/// are what progress counts; without them it tells no time.
std::vector<VariantFailure> run_plan(store::Store& store,
                                     const StudyPlan& plan,
                                     const Spec& spec,
                                     VariantRunner& runner,
                                     ProgressSink& progress,
                                     const PlanCosts& costs = {});

}  // namespace nibble::study
