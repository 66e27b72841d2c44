/// A method chooses the codes of one matrix: weights in, the bits of a codec out.
///
/// Methods are rows of the table in methods.cc. Each is a pure function over views (solve/<name>.h)
/// and a thin adapter that reads its settings from a recipe's stage.
///
/// Shapes     weight [rows, cols]; second_moment [cols, cols] (X^T X up to a factor); abs_mean
///            [cols] (mean |x| by input); mean_square [cols] (mean x^2 by input); cross_moment
///            [cols, cols] (sum of (y[i] - x[i]) x[j] for the inputs y of the original model, up to
///            the factor of second_moment)
/// Requires   weight is finite
/// Precision  float32 unless the method says otherwise
/// Threads    split over `pool`; the result does not depend on its size
/// Errors     `check` reports kUnsupported for a codec that the method cannot fill
/// Source     our own
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/thread_pool.h"
#include "base/toml.h"
#include "codec/codec.h"
#include "tensor/matrix_view.h"

namespace nibble::quant {

/// Statistics of the layer's inputs that a method may want.
struct Needs {
  bool second_moment = false;
  bool abs_mean = false;
  bool mean_square = false;
  bool mean = false;          ///< of the inputs with their signs, for corrections
  bool cross_moment = false;  ///< wants second_moment, too
  bool block = false;         ///< what whole decoder blocks read and write; block_solver.h

  [[nodiscard]] bool any() const noexcept {
    return second_moment || abs_mean || mean_square || mean || cross_moment || block;
  }
  /// What blocks make of the tokens where nothing is quantized.
  [[nodiscard]] bool originals() const noexcept { return cross_moment || block; }
  friend Needs operator|(const Needs& a, const Needs& b) noexcept {
    return {.second_moment = a.second_moment || b.second_moment,
            .abs_mean = a.abs_mean || b.abs_mean,
            .mean_square = a.mean_square || b.mean_square,
            .mean = a.mean || b.mean,
            .cross_moment = a.cross_moment || b.cross_moment,
            .block = a.block || b.block};
  }
};

struct SolveInput {
  std::string_view name = {};  ///< of the weight, canonical; empty when it has none
  MatrixView<const float> weight = {};
  MatrixView<const double> second_moment = {};  ///< both triangles; no data when there is none
  std::span<const float> abs_mean = {};         ///< empty when there is none
  std::span<const float> mean_square = {};      ///< empty when there is none
  MatrixView<const double> cross_moment = {};   ///< no data when there is none
};

/// Something about a solution that a reader should know, such as {"dead_inputs", 3}.
struct Fact {
  std::string name;
  double value = 0;
};

struct Solved {
  codec::EncodedMatrix matrix;
  std::vector<Fact> facts;          ///< what is out of the ordinary
  std::vector<Fact> measures = {};  ///< what every solution of the method has
};

class BlockSolver;
class DeviceSolver;

class Solver {
 public:
  virtual ~Solver() = default;

  /// All settings with their values as TOML literals, in a fixed order.
  [[nodiscard]] virtual std::vector<std::pair<std::string, std::string>> settings() const = 0;
  [[nodiscard]] virtual Result<void> check(const codec::Codec& codec) const = 0;
  /// What these settings want beside the needs of the method's row.
  [[nodiscard]] virtual Needs needs() const { return {}; }
  [[nodiscard]] virtual Solved solve(const SolveInput& input,
                                     const std::shared_ptr<const codec::Codec>& codec,
                                     ThreadPool& pool) const = 0;
  /// The method for all weights of a decoder block at once; none in most methods.
  [[nodiscard]] virtual const BlockSolver* block_solver() const noexcept { return nullptr; }
  /// The method on a device; none in some methods.
  [[nodiscard]] virtual const DeviceSolver* device_solver() const noexcept { return nullptr; }
};

struct SolverRow {
  std::string_view name;
  std::string_view summary;
  Needs needs;  ///< with any settings
  /// Reads the method's settings from its stage; a bad value throws with its position.
  std::unique_ptr<Solver> (*make)(TomlTable& stage);
};

/// All methods, in the order in which documents list them.
std::span<const SolverRow> solver_table();
/// kUnsupported names the nearest method.
Result<const SolverRow*> find_solver(std::string_view name);

}  // namespace nibble::quant
