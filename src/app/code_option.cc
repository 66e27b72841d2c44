#include "app/code_option.h"

#include <cstdint>
#include <limits>

namespace nibble::app {
namespace {

constexpr std::size_t kMostCompletions = 10'000;
constexpr double kHottest = 100;
constexpr std::uint64_t kLargestSeed = std::numeric_limits<std::int32_t>::max();

}  // namespace

void add_allow_code_option(CLI::App& command, bool& is_allowed) {
  command.add_flag(
      "--allow-code", is_allowed, "Run code that the model writes, in a sandbox (humaneval)");
}

void add_code_sampling_options(CLI::App& command, eval::CodeSampling& sampling) {
  command
      .add_option("--samples",
                  sampling.n_samples,
                  "humaneval: completions of each problem, drawn where there are several")
      ->check(CLI::Range(std::size_t{1}, kMostCompletions))
      ->capture_default_str();
  command
      .add_option("--pass-k",
                  sampling.ks,
                  "humaneval: the k of pass@k, separated by commas; default: 1 and --samples")
      ->delimiter(',')
      ->check(CLI::Range(std::size_t{1}, kMostCompletions));
  command
      .add_option(
          "--temperature",
          sampling.temperature,
          "humaneval: 0 takes the most probable tokens; default: 0, for several samples 0.2")
      ->check(CLI::Range(0.0, kHottest));
  command
      .add_option("--top-p",
                  sampling.top_p,
                  "humaneval: draw from the most probable tokens with this share of probability; "
                  "default: 0.95")
      ->check(CLI::Range(std::numeric_limits<double>::min(), 1.0));
  command.add_option("--seed", sampling.seed, "humaneval: what is drawn depends on it")
      ->check(CLI::Range(std::uint64_t{0}, kLargestSeed))
      ->capture_default_str();
}

}  // namespace nibble::app
