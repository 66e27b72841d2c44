#include "profile/measure.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "base/cancel.h"
#include "base/checked_math.h"
#include "tensor/matrix_view.h"

namespace nibble::profile {
namespace {

using Clock = std::chrono::steady_clock;

double milliseconds_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

/// One sequence that goes on greedily.
class Runner {
 public:
  Runner(model::LanguageModel& model, std::size_t n_tokens)
      : model_(model),
        cache_(model.make_cache(cache_bytes(model, n_tokens))),
        sequence_(cache_.create()),
        hidden_(model.config().hidden),
        logits_(model.config().vocab) {}

  /// Feeds the tokens and returns the most likely next one.
  text::TokenId next(std::span<const text::TokenId> tokens) {
    cancel_flag().check();
    const std::array chunks{model::SequenceChunk{sequence_, tokens}};
    const std::array last{static_cast<std::uint32_t>(tokens.size() - 1)};
    model_.forward(chunks, cache_, last, MatrixView<float>(hidden_.data(), 1, hidden_.size()));
    model_.head(MatrixView<const float>(hidden_.data(), 1, hidden_.size()),
                MatrixView<float>(logits_.data(), 1, logits_.size()));
    return static_cast<text::TokenId>(std::ranges::max_element(logits_) - logits_.begin());
  }

 private:
  static std::size_t cache_bytes(const model::LanguageModel& model, std::size_t n_tokens) {
    const std::size_t n_rounded = round_up(n_tokens, model::kPageTokens) + model::kPageTokens;
    return model.make_cache(0).bytes_for(n_rounded, n_tokens);
  }

  model::LanguageModel& model_;
  model::KvCache cache_;
  model::SequenceId sequence_;
  std::vector<float> hidden_;
  std::vector<float> logits_;
};

void check(const Options& options, const model::ModelConfig& config) {
  if (options.prompt_tokens == 0 || options.new_tokens == 0 || options.repetitions == 0) {
    raise(ErrorCode::kInvalidArgument,
          "measurement: wants at least one prompt token, one new token and one repetition");
  }
  const auto n_tokens = checked_add(options.prompt_tokens, options.new_tokens);
  if (!n_tokens || *n_tokens > config.context) {
    raise(ErrorCode::kInvalidArgument,
          "measurement: {} prompt tokens and {} new ones do not fit the context of {}",
          options.prompt_tokens,
          options.new_tokens,
          config.context);
  }
}

}  // namespace

std::vector<text::TokenId> fixed_prompt(std::size_t n_tokens, std::size_t vocab) {
  std::vector<text::TokenId> prompt(n_tokens);
  std::uint64_t state = 1;
  for (text::TokenId& id : prompt) {
    state = state * 6364136223846793005U + 1442695040888963407U;  // Knuth's MMIX constants
    id = static_cast<text::TokenId>((state >> 33) % vocab);
  }
  return prompt;
}

std::vector<Measurement> measure_speed(model::LoadedModel& loaded, const Options& options) {
  model::LanguageModel& model = *loaded.model;
  check(options, model.config());
  const auto prompt = fixed_prompt(options.prompt_tokens, model.config().vocab);
  std::vector<Measurement> out{
      {"first_token", "ms", {}}, {"prefill", "tok/s", {}}, {"decode", "ms/token", {}}};
  for (std::size_t i = 0; i < options.warmups + options.repetitions; ++i) {
    Runner runner(model, options.prompt_tokens + options.new_tokens + 1);
    const auto start = Clock::now();
    text::TokenId token = runner.next(prompt);
    const double first_ms = milliseconds_since(start);
    const auto decode_start = Clock::now();
    for (std::size_t n = 0; n < options.new_tokens; ++n) {
      token = runner.next(std::span(&token, 1));
    }
    const double decode_ms = milliseconds_since(decode_start);
    if (i >= options.warmups) {
      out[0].values.push_back(first_ms);
      out[1].values.push_back(static_cast<double>(options.prompt_tokens) * 1000 / first_ms);
      out[2].values.push_back(decode_ms / static_cast<double>(options.new_tokens));
    }
  }
  return out;
}

}  // namespace nibble::profile
