#include <fmt/format.h>

#include <array>

#include "base/suggest.h"
#include "quant/correct.h"
#include "quant/correct/bias.h"
#include "quant/solve/autoround.h"
#include "quant/solve/gguf.h"
#include "quant/solve/gptq.h"
#include "quant/solve/hqq.h"
#include "quant/solve/least_squares.h"
#include "quant/solve/nearest.h"
#include "quant/solver.h"
#include "quant/transform.h"
#include "quant/transform/awq_clip.h"
#include "quant/transform/awq_scale.h"
#include "quant/transform/rotate.h"
#include "quant/transform/smooth.h"

namespace nibble::quant {
namespace {

constexpr std::array kSolvers = {
    SolverRow{"nearest", "round to nearest, by group or block", Needs{}, &make_nearest},
    SolverRow{"hqq",
              "half-quadratic: moves real zeros until the mean error stops falling",
              Needs{},
              &make_hqq},
    SolverRow{"least_squares",
              "scales and real zeros with the least square error, by turns with the codes",
              Needs{},
              &make_least_squares},
    SolverRow{"gptq",
              "input by input; the inputs still free make up for each error",
              Needs{.second_moment = true},
              &make_gptq},
    SolverRow{"gguf",
              "the block types of GGUF as ggml fills them, with or without importance",
              Needs{},
              &make_gguf},
    SolverRow{"autoround",
              "block by block; tunes rounding and ranges by the signs of gradients",
              Needs{.block = true},
              &make_autoround},
};

constexpr std::array kTransforms = {
    TransformRow{
        "awq_scale", "scales inputs that are large up, what makes them down", &make_awq_scale},
    TransformRow{"awq_clip", "clips groups where finer steps are worth it", &make_awq_clip},
    TransformRow{"smooth", "moves outliers from activations into weights", &make_smooth},
    TransformRow{"rotate", "spreads outliers over all channels, as QuaRot does", &make_rotate},
};

constexpr std::array kCorrections = {
    CorrectionRow{"bias", "gives biased layers the mean outputs that they had", &mean_error},
};

/// The row of that name, or a failure that names the nearest.
template <class Row, std::size_t N>
Result<const Row*> find_row(const std::array<Row, N>& rows,
                            std::string_view what,
                            std::string_view name) {
  std::array<std::string_view, N> names;
  for (std::size_t i = 0; i < N; ++i) {
    if (rows[i].name == name) {
      return &rows[i];
    }
    names[i] = rows[i].name;
  }
  return fail(ErrorCode::kUnsupported,
              "unknown {} '{}'{}, expected one of: {}",
              what,
              name,
              did_you_mean(name, names),
              fmt::join(names, ", "));
}

}  // namespace

std::span<const SolverRow> solver_table() {
  return kSolvers;
}

std::span<const TransformRow> transform_table() {
  return kTransforms;
}

std::span<const CorrectionRow> correction_table() {
  return kCorrections;
}

Result<const CorrectionRow*> find_correction(std::string_view name) {
  return find_row(kCorrections, "correction", name);
}

Result<const SolverRow*> find_solver(std::string_view name) {
  return find_row(kSolvers, "method", name);
}

Result<const TransformRow*> find_transform(std::string_view name) {
  return find_row(kTransforms, "transform", name);
}

}  // namespace nibble::quant
