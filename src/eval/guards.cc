#include "eval/guards.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace nibble::eval {
namespace {

/// In the order of Flag.
constexpr std::array<std::string_view, 4> kFlagNames = {
    "equal options", "repeated output", "double BOS", "not finite"};

constexpr std::size_t kLongestPeriod = 64;
constexpr std::size_t kFewestRepetitions = 4;
constexpr std::size_t kShortestTail = 32;

const LoglikelihoodResponse* scored(const Response& response) {
  return std::get_if<LoglikelihoodResponse>(&response);
}

bool has_equal_options(std::span<const Request> requests, std::span<const Response> responses) {
  const auto is_choice = [](const Request& request) {
    return std::holds_alternative<LoglikelihoodRequest>(request);
  };
  return responses.size() >= 2 && std::ranges::all_of(requests, is_choice) &&
         std::ranges::all_of(responses, [&](const Response& response) {
           const auto* first = scored(responses.front());
           const auto* one = scored(response);
           return first != nullptr && one != nullptr && one->logprob == first->logprob;
         });
}

bool is_not_finite(const Response& response) {
  if (const auto* one = scored(response)) {
    return !std::isfinite(one->logprob);
  }
  if (const auto* generated = generation_of(response)) {
    return !generated->is_answered;
  }
  return !std::isfinite(std::get<DivergenceResponse>(response).kl);
}

bool is_repeated(const Response& response) {
  const auto* generated = generation_of(response);
  return generated != nullptr && is_repeated_output(generated->text);
}

bool has_double_bos(const Response& response) {
  const auto* one = scored(response);
  const auto* generated = generation_of(response);
  return (one != nullptr && one->has_double_bos) ||
         (generated != nullptr && generated->has_double_bos);
}

}  // namespace

std::string_view flag_name(Flag flag) noexcept {
  return kFlagNames[static_cast<std::size_t>(flag)];
}

bool is_at_chance(double low, std::optional<double> chance) noexcept {
  return chance && low <= *chance;
}

bool is_repeated_output(std::string_view text) noexcept {
  for (std::size_t period = 1; period <= std::min(kLongestPeriod, text.size() / kFewestRepetitions);
       ++period) {
    std::size_t begin = text.size() - period;  // of the end that has this period
    while (begin > 0 && text[begin - 1] == text[begin - 1 + period]) {
      --begin;
    }
    const std::size_t tail = text.size() - begin;
    if (tail >= std::max({kShortestTail, kFewestRepetitions * period, text.size() / 2})) {
      return true;
    }
  }
  return false;
}

std::vector<Flag> find_flags(std::span<const Request> requests,
                             std::span<const Response> responses) {
  std::vector<Flag> flags;
  const auto add = [&](bool found, Flag flag) {
    if (found) {
      flags.push_back(flag);
    }
  };
  add(has_equal_options(requests, responses), Flag::kEqualOptions);
  add(std::ranges::any_of(responses, is_repeated), Flag::kRepeatedOutput);
  add(std::ranges::any_of(responses, has_double_bos), Flag::kDoubleBos);
  add(std::ranges::any_of(responses, is_not_finite), Flag::kNotFinite);
  return flags;
}

}  // namespace nibble::eval
