/// Quantizes one weight as its row of the plan says, and says how well that went.
///
/// Errors     Error(kUnsupported) names the weight, for weights too large for their codec
/// Source     our own
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/thread_pool.h"
#include "quant/plan.h"
#include "quant/solver.h"

namespace nibble::quant {

struct WeightReport {
  std::string weight;
  std::string codec;
  double error_square = 0;   ///< |W - decoded|_F^2
  double weight_square = 0;  ///< |W|_F^2
  double seconds = 0;
  std::vector<Fact> facts = {}, measures = {};  ///< of the method

  /// |W - decoded|_F / |W|_F; 0 for weights that are all 0.
  [[nodiscard]] double relative_error() const;
};

struct SolvedWeight {
  codec::EncodedMatrix matrix;
  WeightReport report;
};

/// What a method made of `weight`, with its report.
SolvedWeight report_solved(const PlanRow& row,
                           MatrixView<const float> weight,
                           Solved solved,
                           double seconds,
                           ThreadPool& pool);

SolvedWeight solve_weight(const PlanRow& row, const SolveInput& input, ThreadPool& pool);

Json weight_report_json(const WeightReport& report);
/// Reads what `weight_report_json` makes; throws Error(kCorruptData) for anything else.
WeightReport weight_report_from_json(const Json& json, std::string_view where);

}  // namespace nibble::quant
