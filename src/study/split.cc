#include "study/split.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <numeric>

#include "base/check.h"
#include "study/batches.h"
#include "study/plan_index.h"

namespace nibble::study {
namespace {

constexpr std::size_t kBytesPerToken = 4;  // as batches.h counts
constexpr std::size_t kLoadTokens = 256;
constexpr std::size_t kShownUnits = 8;  // of a share in one line

struct MethodCost {
  std::string_view method;
  std::size_t start;              ///< tokens, whatever the text
  std::size_t calibration_token;  ///< tokens for each of the calibration text
};

constexpr MethodCost kMethods[] = {{"nearest", 1'000, 0},
                                   {"hqq", 6'000, 0},
                                   {"gptq", 11'000, 8},
                                   {"awq_scale", 60'000, 30},  // both were measured as one
                                   {"awq_clip", 27'000, 14},
                                   {"autoround", 0, 13}};
constexpr MethodCost kOther = {"", 2'000, 8};
constexpr std::size_t kTunedToken = 19;  ///< for each token of each of AutoRound's steps

std::size_t cost_of(std::string_view method, std::size_t n_tokens) {
  const auto* found = std::ranges::find(kMethods, method, &MethodCost::method);
  const MethodCost& row = found != std::end(kMethods) ? *found : kOther;
  return row.start + row.calibration_token * n_tokens;
}

std::size_t setting(const quant::Solver& solver, std::string_view name) {
  std::size_t out = 0;
  for (const auto& [key, value] : solver.settings()) {
    if (key == name) {
      std::from_chars(value.data(), value.data() + value.size(), out);
    }
  }
  return out;
}

std::size_t task_cost(const eval::Task& task) {
  std::size_t n_bytes = 0;
  for (std::size_t i = 0; i < task.n_samples(); ++i) {
    n_bytes += sample_cost(task.sample(i));
  }
  return n_bytes / kBytesPerToken;
}

std::size_t sum(const std::vector<std::size_t>& values) {
  return std::accumulate(values.begin(), values.end(), std::size_t{0});
}

std::size_t measure_cost(const profile::Options& options) {
  const std::size_t n_runs = options.repetitions + options.warmups;
  const std::size_t one = n_runs * (options.prompt_tokens + options.new_tokens);
  const std::size_t lengths = n_runs * (sum(options.prompts) + sum(options.depths) +
                                        options.depths.size() * options.new_tokens);
  const std::size_t batches = options.batch_repetitions * sum(options.batches) *
                              (options.prompt_tokens + options.batch_new_tokens);
  return one + lengths + batches;
}

std::size_t setup_cost(const PlannedVariant& variant) {
  return kLoadTokens + (variant.recipe ? making_cost(*variant.recipe) : 0);
}

/// Units of one variant that go to one share.
struct Piece {
  std::vector<std::size_t> units;
  std::size_t cost = 0;
};

/// The variant's units in their order, cut where a piece would cost more than `most`.
void add_pieces(std::vector<Piece>& out,
                const std::vector<std::size_t>& units,
                const PlanCosts& costs,
                std::size_t setup,
                std::size_t most) {
  Piece piece{{}, setup};
  for (const std::size_t unit : units) {
    if (!piece.units.empty() && piece.cost + costs.units[unit] > most) {
      out.push_back(std::move(piece));
      piece = {{}, setup};
    }
    piece.units.push_back(unit);
    piece.cost += costs.units[unit];
  }
  if (!piece.units.empty()) {
    out.push_back(std::move(piece));
  }
}

std::string_view task_or_speed(const StudyPlan& plan, std::optional<std::size_t> task) {
  return task ? std::string_view(plan.tasks[*task].record.name) : "speed";
}

/// What a unit, or the making of a variant, costs.
struct CostLine {
  std::string what;
  std::size_t cost = 0;  ///< tokens
  std::string_view per;  ///< "variant": once for each
};

constexpr std::size_t kLeastWidth = 24;  // of a line's name

std::vector<CostLine> cost_lines(const StudyPlan& plan, const PlanCosts& costs) {
  const PlanIndex index(plan);
  std::vector<CostLine> out;
  for (const std::size_t unit : index.units_of(0)) {  // a task costs every variant the same
    out.push_back(
        {std::string(task_or_speed(plan, index.task_of(unit))), costs.units[unit], "variant"});
  }
  for (std::size_t i = 0; i < plan.variants.size(); ++i) {
    out.push_back({"making " + plan.variants[i].record.name, costs.variants[i], "part"});
  }
  return out;
}

std::string shown_units(const std::vector<std::string>& names,
                        const PlanCosts& costs,
                        const PlanShare& share) {
  std::string out;
  for (std::size_t i = 0; i < std::min(share.units.size(), kShownUnits); ++i) {
    const std::size_t unit = share.units[i];
    out += fmt::format("{}{} {}", i == 0 ? ": " : ", ", names[unit], costs.units[unit]);
  }
  return share.units.size() > kShownUnits ? out + ", …" : out;
}

}  // namespace

std::size_t making_cost(const quant::Recipe& recipe) {
  const std::size_t window = recipe.calibration ? recipe.calibration->window : 0;
  const std::size_t n_tokens = recipe.calibration ? recipe.calibration->n_windows * window : 0;
  std::size_t out = 0;
  for (const quant::TransformStage& stage : recipe.transforms) {
    out += cost_of(stage.method, n_tokens);
  }
  for (const quant::SolveStage& stage : recipe.stages) {
    out += cost_of(stage.method, n_tokens);
    if (stage.method == "autoround") {
      out += kTunedToken * window * setting(*stage.solver, "iterations") *
             setting(*stage.solver, "batch");
    }
  }
  return out;
}

PlanCosts plan_costs(const StudyPlan& plan, const std::optional<profile::Options>& measure) {
  const PlanIndex index(plan);
  std::vector<std::size_t> by_task;
  for (const PlannedTask& task : plan.tasks) {
    by_task.push_back(task_cost(*task.task));
  }
  const std::size_t speed = measure ? measure_cost(*measure) : 0;
  PlanCosts out;
  for (std::size_t unit = 0; unit < plan.units.size(); ++unit) {
    const auto task = index.task_of(unit);
    const bool is_search = plan.variants[index.variant_of(unit)].search != nullptr;
    out.units.push_back(task ? by_task[*task] : is_search ? 0 : speed);
  }
  for (const PlannedVariant& variant : plan.variants) {
    out.variants.push_back(setup_cost(variant));
  }
  return out;
}

std::vector<PlanShare> split_plan(const StudyPlan& plan,
                                  const PlanCosts& costs,
                                  std::size_t n_shares) {
  NIBBLE_CHECK(n_shares > 0, "a plan is cut into one share or more");
  const PlanIndex index(plan);
  const std::size_t most = (sum(costs.units) + sum(costs.variants)) / n_shares + 1;
  std::vector<Piece> pieces;
  for (std::size_t v = 0; v < plan.variants.size(); ++v) {
    add_pieces(pieces, index.units_of(v), costs, costs.variants[v], most);
  }
  std::ranges::stable_sort(pieces, std::ranges::greater{}, &Piece::cost);
  std::vector<PlanShare> shares(n_shares);
  for (const Piece& piece : pieces) {
    PlanShare& least = *std::ranges::min_element(shares, {}, &PlanShare::cost);
    least.units.insert(least.units.end(), piece.units.begin(), piece.units.end());
    least.cost += piece.cost;
  }
  for (PlanShare& share : shares) {
    std::ranges::sort(share.units);
  }
  return shares;
}

std::vector<std::string> unit_names(const StudyPlan& plan) {
  const PlanIndex index(plan);
  std::vector<std::string> out;
  for (std::size_t unit = 0; unit < plan.units.size(); ++unit) {
    out.push_back(fmt::format("{}/{}",
                              plan.variants[index.variant_of(unit)].record.name,
                              task_or_speed(plan, index.task_of(unit))));
  }
  return out;
}

std::vector<std::string> split_lines(const StudyPlan& plan,
                                     const PlanCosts& costs,
                                     const std::vector<PlanShare>& shares) {
  const std::vector<std::string> names = unit_names(plan);
  std::vector<std::string> lines;
  const std::vector<CostLine> lines_of_costs = cost_lines(plan, costs);
  std::size_t width = kLeastWidth;
  for (const CostLine& line : lines_of_costs) {
    width = std::max(width, line.what.size());
  }
  for (const CostLine& line : lines_of_costs) {
    lines.push_back(
        fmt::format("cost of {:<{}} {:>12} tokens a {}", line.what, width, line.cost, line.per));
  }
  for (std::size_t i = 0; i < shares.size(); ++i) {
    lines.push_back(fmt::format("part {} of {}: {} units, {} tokens with making and loading{}",
                                i + 1,
                                shares.size(),
                                shares[i].units.size(),
                                shares[i].cost,
                                shown_units(names, costs, shares[i])));
  }
  return lines;
}

}  // namespace nibble::study
