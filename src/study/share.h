/// Which units of a plan a run takes: a part of N, or those that were named.
///
/// A part has a store of its own, in "parts/3-of-8" of the study's folder, with the whole plan and
/// the observations of its share; merge.h joins such stores.
///
/// Errors     kInvalidArgument for a part that is none and for names that the plan does not have
/// Source     our own
#pragma once

#include <cstddef>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "store/store.h"
#include "study/plan.h"
#include "study/plan_index.h"

namespace nibble::study {

inline constexpr std::size_t kMostParts = 10'000;

struct PlanPart {
  std::size_t number = 1;  ///< from 1
  std::size_t n_parts = 1;
};

/// "3/8"
Result<PlanPart> parse_part(std::string_view text);
std::filesystem::path part_folder(const std::filesystem::path& output, const PlanPart& part);
/// Whether a store is there that a run has begun to fill.
bool is_store(const std::filesystem::path& path);
/// The stores of all parts that have begun, whatever they are parts of, ordered by path.
std::vector<std::filesystem::path> part_stores(const std::filesystem::path& output);

/// Ids of units.
using UnitSet = std::set<std::string, std::less<>>;

/// "int4" names all units of a variant, "int4/arc_easy" and "int4/speed" one.
UnitSet named_units(const StudyPlan& plan, std::span<const std::string> names);

/// Ids of the plan's units whose samples or measurements are all there. `index` is the plan's.
UnitSet whole_units(const StudyPlan& plan, const PlanIndex& index, const store::Store& store);

/// The same with what it reads: variants whose attention is measured read the reference's answers,
/// and tasks behind a retriever what it found.
UnitSet with_references(const StudyPlan& plan, UnitSet units);

}  // namespace nibble::study
