/// How fast a loaded model answers one request at a time.
///
/// A repetition feeds `prompt_tokens` tokens into an empty cache, takes the most likely next token,
/// and goes on greedily for `new_tokens` more, never stopping at an end token, so every variant
/// does the same work. The prompt is a fixed sequence of token ids; tokenization is not timed. The
/// first `warmups` repetitions are thrown away.
///
///   first_token = time from the prompt's tokens to the first new token
///   prefill     = prompt_tokens / first_token
///   decode      = time for the other new tokens / their number
///
/// Units      first_token in ms, prefill in tok/s, decode in ms/token; steady clock
/// Requires   prompt_tokens >= 1, new_tokens >= 1, repetitions >= 1
/// Errors     kInvalidArgument where the context is too short; kCancelled between forward passes
/// Source     definitions of vLLM's bench and MLPerf; fixed work as in llama-bench
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "model/load.h"

namespace nibble::profile {

struct Options {
  std::size_t prompt_tokens = 128;
  std::size_t new_tokens = 32;
  std::size_t repetitions = 5;
  std::size_t warmups = 1;
};

/// One quantity with the value of each repetition, in order of time.
struct Measurement {
  std::string name;
  std::string unit;
  std::vector<double> values;
};

/// first_token, prefill and decode, in that order.
std::vector<Measurement> measure_speed(model::LoadedModel& loaded, const Options& options);

/// The fixed prompt: ids spread over the vocabulary, the same for equal arguments on any machine.
std::vector<text::TokenId> fixed_prompt(std::size_t n_tokens, std::size_t vocab);

}  // namespace nibble::profile
