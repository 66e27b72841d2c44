#include "profile/measure.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "base/checked_math.h"
#include "profile/runner.h"

namespace nibble::profile {
namespace {

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

/// What one repetition took.
struct Times {
  double first_ms = 0;
  std::vector<double> others_ms;

  [[nodiscard]] double sum_of_others() const {
    return std::accumulate(others_ms.begin(), others_ms.end(), 0.0);
  }
};

/// `batch` sequences side by side, each of a prompt and new tokens.
Times run_once(model::LanguageModel& model,
               std::size_t batch,
               std::size_t n_prompt,
               std::size_t n_new) {
  const auto prompt = fixed_prompt(n_prompt, model.config().vocab);
  Runner runner(model, batch, n_prompt + n_new + 1);
  Times times;
  const Stopwatch first;
  runner.prompt(prompt);
  times.first_ms = first.milliseconds();
  for (std::size_t i = 0; i < n_new; ++i) {
    const Stopwatch step;
    runner.step();
    times.others_ms.push_back(step.milliseconds());
  }
  return times;
}

/// Why a length cannot be measured; "" where it can.
std::string unfit(std::size_t n_tokens, const model::ModelConfig& config) {
  return n_tokens > config.context
             ? fmt::format(
                   "not measured: {} tokens, the context holds {}", n_tokens, config.context)
             : "";
}

/// A measurement that runs out of memory says so and does not end the others.
template <class F>
void or_say_why(std::vector<Measurement*> rows, F&& measure) {
  try {
    measure();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kOutOfMemory) {
      throw;
    }
    for (Measurement* row : rows) {
      row->values.clear();
      row->reason = fmt::format("not measured: {}", error.what());
    }
  }
}

Measurement measure_prefill(model::LanguageModel& model,
                            std::size_t n_prompt,
                            std::size_t repetitions) {
  Measurement row{fmt::format("prefill_{}", n_prompt), "tok/s", {}};
  row.reason = unfit(n_prompt, model.config());
  if (row.reason.empty()) {
    or_say_why({&row}, [&] {
      for (std::size_t i = 0; i <= repetitions; ++i) {
        const double ms = run_once(model, 1, n_prompt, 0).first_ms;
        if (i > 0) {  // the first one warms up
          row.values.push_back(static_cast<double>(n_prompt) * 1000 / ms);
        }
      }
    });
  }
  return row;
}

Measurement measure_depth(model::LanguageModel& model, std::size_t depth, const Options& options) {
  Measurement row{fmt::format("decode_d{}", depth), "ms/token", {}};
  const std::size_t n_prompt = std::max<std::size_t>(depth, 1);  // something must come first
  row.reason = unfit(n_prompt + options.new_tokens, model.config());
  if (row.reason.empty()) {
    or_say_why({&row}, [&] {
      for (std::size_t i = 0; i < options.repetitions; ++i) {
        const Times times = run_once(model, 1, n_prompt, options.new_tokens);
        row.values.push_back(times.sum_of_others() / static_cast<double>(options.new_tokens));
      }
    });
  }
  return row;
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
  check(options, loaded.model->config());
  Measurement first{"first_token", "ms", {}}, prefill{"prefill", "tok/s", {}},
      decode{"decode", "ms/token", {}}, end_to_end{"end_to_end", "ms", {}},
      inter_token{"inter_token", "ms", {}}, cold{"cold_first_token", "ms", {}};
  for (std::size_t i = 0; i < options.warmups + options.repetitions; ++i) {
    const Times times = run_once(*loaded.model, 1, options.prompt_tokens, options.new_tokens);
    if (i == 0) {
      cold.values.push_back(times.first_ms);
    }
    if (i < options.warmups) {
      continue;
    }
    first.values.push_back(times.first_ms);
    prefill.values.push_back(static_cast<double>(options.prompt_tokens) * 1000 / times.first_ms);
    decode.values.push_back(times.sum_of_others() / static_cast<double>(options.new_tokens));
    end_to_end.values.push_back(times.first_ms + times.sum_of_others());
    inter_token.values.insert(
        inter_token.values.end(), times.others_ms.begin(), times.others_ms.end());
  }
  return {first, prefill, decode, end_to_end, inter_token, cold};
}

std::vector<Measurement> measure_lengths(model::LoadedModel& loaded, const Options& options) {
  std::vector<Measurement> out;
  for (const std::size_t n : options.prompts) {
    out.push_back(measure_prefill(*loaded.model, n, options.repetitions));
  }
  for (const std::size_t depth : options.depths) {
    out.push_back(measure_depth(*loaded.model, depth, options));
  }
  return out;
}

std::vector<Measurement> measure_batches(model::LoadedModel& loaded, const Options& options) {
  std::vector<Measurement> out;
  for (const std::size_t batch : options.batches) {
    Measurement samples{fmt::format("batch_{}", batch), "samples/s", {}};
    Measurement tokens{fmt::format("batch_{}_decode", batch), "tok/s", {}};
    or_say_why({&samples, &tokens}, [&] {
      for (std::size_t i = 0; i < options.batch_repetitions; ++i) {
        const Times times =
            run_once(*loaded.model, batch, options.prompt_tokens, options.batch_new_tokens);
        const auto n = static_cast<double>(batch);
        samples.values.push_back(n * 1000 / (times.first_ms + times.sum_of_others()));
        tokens.values.push_back(n * static_cast<double>(options.batch_new_tokens) * 1000 /
                                times.sum_of_others());
      }
    });
    out.push_back(std::move(samples));
    out.push_back(std::move(tokens));
  }
  return out;
}

}  // namespace nibble::profile
