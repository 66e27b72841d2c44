/// Cuts a plan into shares of about equal cost, for workers that share nothing but a folder.
///
/// Every worker cuts for itself, so the shares follow from plan and number alone. Units of one
/// variant stay together, because whoever runs one of them makes and loads the variant's file;
/// only a variant that costs more than an equal share is cut between its units. Pieces go, the
/// dearest first, to the share that has least (LPT: the dearest share is at most 4/3 of the best
/// possible one).
///
/// Units      costs are tokens that a model reads or makes, by the estimates of batches.h and of
///            making_cost; loading a variant counts 256. They are for comparing shares and for
///            the time that is left: embedding of a retriever's passages, pauses of energy
///            measurements and the speed of a variant are not in them
/// Source     Graham 1969, Bounds on multiprocessing timing anomalies (LPT)
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "profile/measure.h"
#include "study/plan.h"

namespace nibble::study {

struct PlanCosts {
  std::vector<std::size_t> units;     ///< parallel to the plan's units
  std::vector<std::size_t> variants;  ///< parallel to its variants: making and loading
};

/// What quantizing costs in the tokens that the model could be asked instead: the cost model of
/// docs/methods.md over 0.015 s of a processor's time for a million parameters and thousand tokens
/// asked in 8-bit arithmetic. Both grow with the parameters, so it holds for models of any size.
std::size_t making_cost(const quant::Recipe& recipe);

PlanCosts plan_costs(const StudyPlan& plan, const std::optional<profile::Options>& measure);

struct PlanShare {
  std::vector<std::size_t> units;  ///< positions in the plan's units, ascending; may be empty
  std::size_t cost = 0;            ///< with making and loading
};

/// `n_shares` of them, at least 1.
std::vector<PlanShare> split_plan(const StudyPlan& plan,
                                  const PlanCosts& costs,
                                  std::size_t n_shares);

/// "int4/arc_easy", "int4/speed"; parallel to the plan's units.
std::vector<std::string> unit_names(const StudyPlan& plan);

/// For people: what a unit of each task costs, what each variant costs to make, and the shares.
std::vector<std::string> split_lines(const StudyPlan& plan,
                                     const PlanCosts& costs,
                                     const std::vector<PlanShare>& shares);

}  // namespace nibble::study
