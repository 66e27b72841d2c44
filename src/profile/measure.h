/// How fast a loaded model answers.
///
/// A repetition feeds `prompt_tokens` tokens into an empty cache, takes the most likely next token,
/// and goes on greedily for `new_tokens` more, never stopping at an end token, so every variant
/// does the same work. The prompt is a fixed sequence of token ids; tokenization is not timed. The
/// first `warmups` repetitions are thrown away, but for the first token of the very first, which is
/// kept apart. Nothing else is left out: what is quoted is the median.
///
///   first_token = time from the prompt's tokens to the first new token
///   prefill     = prompt_tokens / first_token
///   inter_token = time of each other new token
///   decode      = their mean within a repetition
///   end_to_end  = time from the prompt's tokens to the last new token
///
/// Units      first_token, inter_token, end_to_end in ms, prefill in tok/s, decode in ms/token;
///            steady clock
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
  /// More lengths of prompts, and depths behind which tokens are made.
  std::vector<std::size_t> prompts = {}, depths = {};
  /// Sequences side by side, each of `prompt_tokens` and `batch_new_tokens`.
  std::vector<std::size_t> batches = {};
  std::size_t batch_new_tokens = 16;
  std::size_t batch_repetitions = 2;
  /// Energy is measured over regions of this length; 0: not at all.
  double energy_seconds = 10;
  double idle_seconds = 10;  ///< of rest, before
  bool limits = true;        ///< measures the machine's own limits once
};

/// One quantity with the value of each repetition, in order of time; or why there is none.
struct Measurement {
  std::string name;
  std::string unit;
  std::vector<double> values;
  std::string reason = {};
};

/// first_token, prefill, decode, end_to_end, inter_token, cold_first_token, in that order.
std::vector<Measurement> measure_speed(model::LoadedModel& loaded, const Options& options);

/// "prefill_512" in tok/s for each of `prompts`, "decode_d512" in ms/token for each of `depths`.
std::vector<Measurement> measure_lengths(model::LoadedModel& loaded, const Options& options);

/// For each of `batches` "batch_4" in samples/s over prompt and new tokens, and "batch_4_decode" in
/// tok/s of all sequences together.
std::vector<Measurement> measure_batches(model::LoadedModel& loaded, const Options& options);

/// The fixed prompt: ids spread over the vocabulary, the same for equal arguments on any machine.
std::vector<text::TokenId> fixed_prompt(std::size_t n_tokens, std::size_t vocab);

}  // namespace nibble::profile
