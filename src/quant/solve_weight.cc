#include "quant/solve_weight.h"

#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "quant/matrix.h"

namespace nibble::quant {
namespace {

void add_facts(const char* key, const std::vector<Fact>& facts, Json& out) {
  for (const Fact& fact : facts) {
    out[key][fact.name] = fact.value;
  }
}

std::vector<Fact> facts_of(const Json& json, const char* key) {
  std::vector<Fact> out;
  const Json facts = json.value(key, Json::object());
  for (const auto& [name, value] : facts.items()) {
    out.push_back({name, value.get<double>()});
  }
  return out;
}

}  // namespace

double WeightReport::relative_error() const {
  return weight_square > 0 ? std::sqrt(error_square / weight_square) : 0.0;
}

SolvedWeight report_solved(const PlanRow& row,
                           MatrixView<const float> weight,
                           Solved solved,
                           double seconds,
                           ThreadPool& pool) {
  const SquaredError error = squared_error(weight, solved.matrix, pool);
  if (!std::isfinite(error.difference)) {
    raise(ErrorCode::kUnsupported,
          "{}: the weights are too large for codec {} (the decoded values are not finite)",
          row.weight,
          row.codec->name());
  }
  return {std::move(solved.matrix),
          {row.weight,
           row.target_codec,
           error.difference,
           error.weight,
           seconds,
           std::move(solved.facts),
           std::move(solved.measures)}};
}

SolvedWeight solve_weight(const PlanRow& row, const SolveInput& input, ThreadPool& pool) {
  const auto start = std::chrono::steady_clock::now();
  SolveInput named = input;
  named.name = row.weight;
  Solved solved = row.stage->solver->solve(named, row.codec, pool);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  return report_solved(row, input.weight, std::move(solved), elapsed.count(), pool);
}

Json weight_report_json(const WeightReport& report) {
  Json out = {{"weight", report.weight},
              {"codec", report.codec},
              {"relative_error", report.relative_error()},
              {"error_square", report.error_square},
              {"weight_square", report.weight_square},
              {"seconds", report.seconds}};
  add_facts("facts", report.facts, out);
  add_facts("measures", report.measures, out);
  return out;
}

WeightReport weight_report_from_json(const Json& json, std::string_view where) {
  try {
    return {json.at("weight").get<std::string>(),
            json.at("codec").get<std::string>(),
            json.at("error_square").get<double>(),
            json.at("weight_square").get<double>(),
            json.at("seconds").get<double>(),
            facts_of(json, "facts"),
            facts_of(json, "measures")};
  } catch (const Json::exception& error) {
    raise(ErrorCode::kCorruptData, "{}: not the report of a weight: {}", where, error.what());
  }
}

}  // namespace nibble::quant
