#include "eval/sample_json.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/json.h"

namespace nibble::eval {
namespace {

Json number(double value) {
  return std::isfinite(value) ? Json(value) : Json();
}

Json as_json(const Response& response) {
  if (const auto* scored = std::get_if<LoglikelihoodResponse>(&response)) {
    return Json::array({number(scored->logprob), scored->is_greedy});
  }
  if (const auto* generated = generation_of(response)) {
    return generated->is_answered ? Json(generated->text) : Json();
  }
  const auto& divergence = std::get<DivergenceResponse>(response);
  return Json::array({number(divergence.kl), divergence.n_rows, divergence.n_same_top});
}

}  // namespace

std::string responses_json(std::span<const Response> responses) {
  Json out = Json::array();
  for (const Response& response : responses) {
    out.push_back(as_json(response));
  }
  return dump_json(out);
}

}  // namespace nibble::eval
