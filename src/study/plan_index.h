/// Where the variants, tasks and units of a plan stand, by their ids: large plans are walked once,
/// not once for each unit.
///
/// Errors     kCorruptData for a unit of a variant or a task that the plan does not have
/// Source     our own
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/store.h"
#include "study/plan.h"

namespace nibble::study {

class PlanIndex {
 public:
  explicit PlanIndex(const StudyPlan& plan);
  explicit PlanIndex(const store::Plan& plan);

  /// Position of a unit; nullopt where the plan does not have it.
  [[nodiscard]] std::optional<std::size_t> find(std::string_view unit) const;
  /// Position of a unit's variant.
  [[nodiscard]] std::size_t variant_of(std::size_t unit) const { return places_.at(unit).variant; }
  /// Position of its task; nullopt for the measurement of speed.
  [[nodiscard]] std::optional<std::size_t> task_of(std::size_t unit) const {
    return places_.at(unit).task;
  }
  /// Positions of a variant's units, ascending.
  [[nodiscard]] const std::vector<std::size_t>& units_of(std::size_t variant) const {
    return units_.at(variant);
  }
  /// Position of the first unit of the same task, the reference's: of models the first variant's,
  /// of searches the first retriever's; nullopt for the reference's own.
  [[nodiscard]] std::optional<std::size_t> reference_of(std::size_t unit) const;

 private:
  using Positions = std::map<std::string, std::size_t, std::less<>>;  // by id
  struct Place {
    std::size_t variant = 0;
    std::optional<std::size_t> task;
  };
  void add_units(const std::vector<store::UnitRecord>& units,
                 const Positions& variants,
                 const Positions& tasks);

  Positions positions_;                                          // of units
  std::vector<Place> places_;                                    // parallel to the units
  std::vector<std::vector<std::size_t>> units_;                  // parallel to the variants
  std::map<std::optional<std::size_t>, std::size_t> reference_;  // first units, by task
};

}  // namespace nibble::study
