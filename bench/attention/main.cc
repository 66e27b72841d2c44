// What measuring attention costs a prefill: pairs of the same prompt with and without probes of all
// layers and heads, in turn, in CPU time of the process. One JSON object a line.
//
//   attention_bench MODEL [n_tokens [pairs [threads]]]
//
// Conditions: arithmetic `native`, the prompt in passes of 512 tokens, the hidden state of its last
// token wanted; 20 spans of equal length over the whole prompt, probed at the last 1, 16, 64 and
// 256 rows. Which of a pair goes first alternates. "overhead_percent" is the median of the pairs,
// "of_least_percent" compares the quickest run of each kind.
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "base/progress.h"
#include "model/attention_mass.h"
#include "model/load.h"

namespace nibble {
namespace {

constexpr std::size_t kSpans = 20;
constexpr std::size_t kChunk = 512;

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::vector<std::int32_t> some_tokens(std::size_t n, std::size_t vocab) {
  std::vector<std::int32_t> tokens(n);
  for (std::size_t i = 0; i < n; ++i) {
    tokens[i] = static_cast<std::int32_t>((i * 7919 + 13) % vocab);
  }
  return tokens;
}

/// Rows [n - n_rows, n) of n, equal spans over all of them.
model::AttentionProbe last_rows(std::size_t n, std::size_t n_rows) {
  model::AttentionProbe probe;
  for (std::size_t row = n - std::min(n, n_rows); row < n; ++row) {
    probe.rows.push_back(row);
  }
  for (std::size_t s = 0; s < kSpans; ++s) {
    probe.spans.push_back({s * n / kSpans, (s + 1) * n / kSpans});
  }
  return probe;
}

class Prefill {
 public:
  Prefill(model::LanguageModel& model, std::size_t n_tokens)
      : model_(model),
        tokens_(some_tokens(n_tokens, model.config().vocab)),
        hidden_(model.config().hidden) {}

  /// CPU seconds of one prompt.
  double run(model::AttentionMass* attention) {
    model::KvCache cache = model_.make_cache(std::size_t{8} << 30);
    const model::SequenceId sequence = cache.create();
    const double start = cpu_seconds();
    for (std::size_t first = 0; first < tokens_.size(); first += kChunk) {
      const std::size_t n = std::min(kChunk, tokens_.size() - first);
      const model::SequenceChunk chunk{sequence, std::span(tokens_).subspan(first, n), attention};
      const auto last = static_cast<std::uint32_t>(n - 1);
      model_.forward({&chunk, 1}, cache, {&last, 1}, {hidden_.data(), 1, hidden_.size()});
    }
    return cpu_seconds() - start;
  }

  void compare(std::size_t n_rows, std::size_t n_pairs) {
    std::vector<double> plain;
    std::vector<double> probed;
    std::vector<double> overhead;
    for (std::size_t pair = 0; pair < n_pairs; ++pair) {
      model::AttentionMass mass(model_.config(), last_rows(tokens_.size(), n_rows));
      const bool probed_first = pair % 2 == 1;
      const double first = run(probed_first ? &mass : nullptr);
      const double second = run(probed_first ? nullptr : &mass);
      plain.push_back(probed_first ? second : first);
      probed.push_back(probed_first ? first : second);
      overhead.push_back(100.0 * (probed.back() / plain.back() - 1.0));
    }
    print(n_rows, plain, probed, overhead);
  }

 private:
  static double median(std::vector<double> values) {
    std::ranges::sort(values);
    return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2.0;
  }

  void print(std::size_t n_rows,
             const std::vector<double>& plain,
             const std::vector<double>& probed,
             const std::vector<double>& overhead) const {
    fmt::print(
        "{{\"tokens\": {}, \"rows\": {}, \"spans\": {}, \"pairs\": {}, \"plain_cpu_s\": {:.4f}, "
        "\"probed_cpu_s\": {:.4f}, \"overhead_percent\": {:.2f}, \"least_percent\": {:.2f}, "
        "\"most_percent\": {:.2f}, \"of_least_percent\": {:.2f}}}\n",
        tokens_.size(),
        n_rows,
        kSpans,
        plain.size(),
        median(plain),
        median(probed),
        median(overhead),
        std::ranges::min(overhead),
        std::ranges::max(overhead),
        100.0 * (std::ranges::min(probed) / std::ranges::min(plain) - 1.0));
    std::fflush(stdout);
  }

  model::LanguageModel& model_;
  std::vector<std::int32_t> tokens_;
  std::vector<float> hidden_;
};

int run(std::span<char*> arguments) {
  if (arguments.empty()) {
    fmt::print(stderr, "attention_bench MODEL [n_tokens [pairs [threads]]]\n");
    return 2;
  }
  const auto number = [&arguments](std::size_t at, std::size_t otherwise) {
    return at < arguments.size() ? std::strtoul(arguments[at], nullptr, 10) : otherwise;
  };
  ThreadPool pool(number(3, 1));
  auto loaded =
      model::load_model(arguments[0], {Arithmetic::kNative}, pool, silent_progress()).take();
  Prefill prefill(*loaded.model, number(1, 2048));
  prefill.run(nullptr);  // fetches the weights
  for (const std::size_t n_rows : {1U, 16U, 64U, 256U}) {
    prefill.compare(n_rows, number(2, 7));
  }
  return 0;
}

}  // namespace
}  // namespace nibble

int main(int argc, char** argv) {
  return nibble::run({argv + 1, static_cast<std::size_t>(argc - 1)});
}
