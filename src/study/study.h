/// A study from file to summaries: reads the source model, plans, runs what is missing.
///
/// Errors     those of every step; kIo where another process works in the same output folder
/// Source     our own
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/progress.h"
#include "study/run.h"
#include "study/share.h"
#include "study/spec.h"

namespace nibble::study {

/// The store inside an output folder.
std::filesystem::path store_path(const std::filesystem::path& output);
/// What a person names as a store: the file itself, or the folder of a study that holds it.
std::filesystem::path named_store(const std::filesystem::path& given);

/// The folder of lm-eval's files inside an output folder.
std::filesystem::path lm_eval_path(const std::filesystem::path& output);

enum class StudyRun : std::uint8_t {
  kPlan,      ///< nothing is run: the plan goes to `progress`, the store is left as it is
  kRun,       ///< what is missing
  kRunWrite,  ///< and lm-eval's files of all variants
};

/// What of a study one run takes, and where to; nothing: all of it.
struct StudyShare {
  std::optional<PlanPart> part = {};    ///< into a store of its own (share.h)
  std::vector<std::string> units = {};  ///< by name (share.h); empty: all
  std::size_t n_parts = 0;              ///< of the split that a plan shows; 0: none
};

/// A part leaves out what the study's own store has already.
std::vector<VariantFailure> run_study(const Spec& spec,
                                      std::string_view program_version,
                                      StudyRun run,
                                      ProgressSink& progress,
                                      const StudyShare& share = {});

/// The parts that have units which neither the study's own store nor theirs has whole. With
/// `n_parts` of 0 there is one for each variant of the model.
std::vector<PlanPart> missing_parts(const Spec& spec,
                                    std::string_view program_version,
                                    std::size_t n_parts);

}  // namespace nibble::study
