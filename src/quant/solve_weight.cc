#include "quant/solve_weight.h"

#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "quant/matrix.h"

namespace nibble::quant {

double WeightReport::relative_error() const {
  return weight_square > 0 ? std::sqrt(error_square / weight_square) : 0.0;
}

SolvedWeight solve_weight(const PlanRow& row, const SolveInput& input, ThreadPool& pool) {
  const auto start = std::chrono::steady_clock::now();
  Solved solved = row.stage->solver->solve(input, row.codec, pool);
  const SquaredError error = squared_error(input.weight, solved.matrix, pool);
  if (!std::isfinite(error.difference)) {
    raise(ErrorCode::kUnsupported,
          "{}: the weights are too large for codec {} (the decoded values are not finite)",
          row.weight,
          row.codec->name());
  }
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  return {std::move(solved.matrix),
          {row.weight,
           row.target_codec,
           error.difference,
           error.weight,
           elapsed.count(),
           std::move(solved.facts)}};
}

Json weight_report_json(const WeightReport& report) {
  Json out = {{"weight", report.weight},
              {"codec", report.codec},
              {"relative_error", report.relative_error()},
              {"error_square", report.error_square},
              {"weight_square", report.weight_square},
              {"seconds", report.seconds}};
  Json facts = Json::object();
  for (const Fact& fact : report.facts) {
    facts[fact.name] = fact.value;
  }
  if (!facts.empty()) {
    out["facts"] = std::move(facts);
  }
  return out;
}

WeightReport weight_report_from_json(const Json& json, std::string_view where) {
  try {
    WeightReport out{json.at("weight").get<std::string>(),
                     json.at("codec").get<std::string>(),
                     json.at("error_square").get<double>(),
                     json.at("weight_square").get<double>(),
                     json.at("seconds").get<double>(),
                     {}};
    const Json facts = json.value("facts", Json::object());
    for (const auto& [name, value] : facts.items()) {
      out.facts.push_back({name, value.get<double>()});
    }
    return out;
  } catch (const Json::exception& error) {
    raise(ErrorCode::kCorruptData, "{}: not the report of a weight: {}", where, error.what());
  }
}

}  // namespace nibble::quant
