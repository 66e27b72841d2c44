#include "study/plan_index.h"

#include "base/error.h"

namespace nibble::study {
namespace {

std::size_t position_of(const std::map<std::string, std::size_t, std::less<>>& positions,
                        const std::string& id,
                        std::string_view what,
                        const store::UnitRecord& unit) {
  const auto found = positions.find(id);
  if (found == positions.end()) {
    raise(ErrorCode::kCorruptData,
          "the unit {} is of the {} '{}', which its plan does not have",
          unit.id,
          what,
          id);
  }
  return found->second;
}

}  // namespace

PlanIndex::PlanIndex(const StudyPlan& plan) {
  Positions variants, tasks;
  for (const PlannedVariant& variant : plan.variants) {
    variants.emplace(variant.record.id, variants.size());
  }
  for (const PlannedTask& task : plan.tasks) {
    tasks.emplace(task.record.id, tasks.size());
  }
  add_units(plan.units, variants, tasks);
}

PlanIndex::PlanIndex(const store::Plan& plan) {
  Positions variants, tasks;
  for (const store::VariantRecord& variant : plan.variants) {
    variants.emplace(variant.id, variants.size());
  }
  for (const store::TaskRecord& task : plan.tasks) {
    tasks.emplace(task.id, tasks.size());
  }
  add_units(plan.units, variants, tasks);
}

void PlanIndex::add_units(const std::vector<store::UnitRecord>& units,
                          const Positions& variants,
                          const Positions& tasks) {
  units_.resize(variants.size());
  for (std::size_t i = 0; i < units.size(); ++i) {
    const store::UnitRecord& unit = units[i];
    Place place{position_of(variants, unit.variant, "variant", unit), {}};
    if (!unit.task.empty()) {
      place.task = position_of(tasks, unit.task, "task", unit);
    }
    reference_.emplace(place.task, i);
    units_[place.variant].push_back(i);
    positions_.emplace(unit.id, i);
    places_.push_back(place);
  }
}

std::optional<std::size_t> PlanIndex::find(std::string_view unit) const {
  const auto found = positions_.find(unit);
  return found != positions_.end() ? std::optional(found->second) : std::nullopt;
}

std::optional<std::size_t> PlanIndex::reference_of(std::size_t unit) const {
  const Place& place = places_.at(unit);
  const std::size_t found = reference_.at(place.task);
  return places_[found].variant == place.variant ? std::nullopt : std::optional(found);
}

}  // namespace nibble::study
