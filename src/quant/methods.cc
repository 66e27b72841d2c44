#include <fmt/format.h>

#include <array>

#include "base/suggest.h"
#include "quant/solve/gptq.h"
#include "quant/solve/hqq.h"
#include "quant/solve/nearest.h"
#include "quant/solver.h"

namespace nibble::quant {
namespace {

constexpr std::array kSolvers = {
    SolverRow{"nearest", "round to nearest, by group or block", Needs{}, &make_nearest},
    SolverRow{"hqq",
              "half-quadratic: moves real zeros until the mean error stops falling",
              Needs{},
              &make_hqq},
    SolverRow{"gptq",
              "input by input; the inputs still free make up for each error",
              Needs{.second_moment = true},
              &make_gptq},
};

}  // namespace

std::span<const SolverRow> solver_table() {
  return kSolvers;
}

Result<const SolverRow*> find_solver(std::string_view name) {
  std::array<std::string_view, kSolvers.size()> names;
  for (std::size_t i = 0; i < kSolvers.size(); ++i) {
    if (kSolvers[i].name == name) {
      return &kSolvers[i];
    }
    names[i] = kSolvers[i].name;
  }
  return fail(ErrorCode::kUnsupported,
              "unknown method '{}'{}, expected one of: {}",
              name,
              did_you_mean(name, names),
              fmt::join(names, ", "));
}

}  // namespace nibble::quant
