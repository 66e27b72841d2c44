/// From a study file to units of work, each named by the hash of everything that determines its
/// result.
///
///   variant = H(weights of the source, recipe, calibration tokens, program version, revision of
///             its numbers)
///   task    = H(name, version, protocol, data, number of samples)
///   unit    = H(variant, task, tokenizer, arithmetic), or for speed
///             H(variant, arithmetic, measurement settings with threads, kernels, processor)
///
/// Retrievers are variants, too, behind the models: H(set, how it is searched, encoder, program
/// version, revision of its numbers). Their tasks are searches, and tasks over what they find
/// depend on how, not on what was found.
///
/// Errors     those of the recipes and tasks, headed by the study file's name for them;
///            kInvalidArgument for two recipes that are the same
/// Source     our own
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/numerics.h"
#include "eval/task.h"
#include "profile/hardware.h"
#include "profile/host.h"
#include "quant/recipe.h"
#include "store/store.h"
#include "study/search/study_search.h"
#include "study/spec.h"

namespace nibble::study {

/// The condition that names the source's weights by their hash, "SHA-256 …".
inline constexpr std::string_view kSourceWeights = "source weights";
inline constexpr std::string_view kSha256 = "SHA-256 ";

/// What the hashes need to know of the source model.
struct Source {
  std::string weights_hash;
  std::string tokenizer_hash;
  std::string model_name;
};

struct PlannedVariant {
  store::VariantRecord record;
  std::optional<quant::Recipe> recipe;  ///< none: the weights as they came
  const codec::KvScheme* kv = nullptr;  ///< asked for by the study; else what the recipe says
  std::shared_ptr<const StudySearch> search = nullptr;  ///< nullptr: a model
};

struct PlannedTask {
  store::TaskRecord record;
  std::shared_ptr<const eval::Task> task;
  std::string reads = {};  ///< the unit of the search that its documents are from; "": of none
};

struct StudyPlan {
  std::vector<PlannedVariant> variants;
  std::vector<PlannedTask> tasks;
  /// Variant by variant: its speed, then its tasks; models before retrievers.
  std::vector<store::UnitRecord> units;
  std::vector<store::Condition> conditions;
  std::optional<std::set<std::string, std::less<>>> share = {};  ///< ids of units; none: all

  /// Whether the unit is to be run.
  [[nodiscard]] bool takes(const store::UnitRecord& unit) const;
  [[nodiscard]] store::Plan record() const;
};

/// What a plan is made of besides the study file.
struct PlanInputs {
  Source source;
  profile::Host host;
  std::string program_version;
  std::string kernels;                                   ///< name of the instruction set's kernels
  std::vector<std::shared_ptr<const eval::Task>> tasks;  ///< parallel to the study file's
  int numerics_revision = kNumericsRevision;
  /// The hash of the tokens that a recipe calibrates on; "" for one that looks at no text.
  std::function<std::string(const quant::Recipe& recipe)> calibration_hash = {};
  std::optional<profile::Hardware> hardware = {};  ///< nominal peaks; none: not in the table
  std::string sensors = {};                        ///< of energy, or why there are none
  std::vector<std::shared_ptr<const StudySearch>> searches = {};
};

StudyPlan make_plan(const Spec& spec, const PlanInputs& inputs);

/// One line for each variant: its units and samples, and how many of them are stored.
std::vector<std::string> plan_lines(const StudyPlan& plan, const store::Store& store);

}  // namespace nibble::study
