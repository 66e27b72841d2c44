/// Answers requests with a loaded model. Common prefixes are computed once, the rest is packed
/// without padding, and the output head runs only on scored positions.
///
/// Threads    one call at a time
/// Errors     those of the encoder, headed by the request's number; kInvalidArgument for a request
///            that compares with a reference when there is none; kCancelled between batches
/// Source     our own
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "eval/divergence.h"
#include "eval/request.h"
#include "model/load.h"

namespace nibble::eval {

struct EngineOptions {
  std::size_t max_context = 0;      ///< 0: the model's own context
  std::size_t batch_tokens = 512;   ///< new tokens in one forward pass
  std::size_t batch_sequences = 0;  ///< sequences in one; 0: any to score, 32 to generate
  std::size_t kv_bytes = 0;         ///< bound of the key/value cache; 0: chosen by the inputs
  bool share_prefixes = true;       ///< common beginnings are computed once
  bool add_bos = false;             ///< what encode adds; lm-eval's `add_bos_token`
};

/// The defaults, with BOS where the tokenizer adds it by itself (as lm-eval does since 0.4.9.2).
EngineOptions default_engine_options(const model::LoadedModel& model);

/// What the engine has done, for reports of throughput and for tests of prefix sharing.
struct EngineCounters {
  std::size_t n_requests = 0;
  std::size_t n_request_tokens = 0;   ///< tokens of all inputs, counted without sharing
  std::size_t n_computed_tokens = 0;  ///< tokens that went through the model
  std::size_t n_head_rows = 0;
};

class Engine {
 public:
  Engine(model::LoadedModel& model, EngineOptions options);
  ~Engine();

  /// Responses in request order. `on_response(i, response)` is called as soon as each is known.
  std::vector<Response> answer(
      std::span<const Request> requests,
      const std::function<void(std::size_t, const Response&)>& on_response = {});

  /// What divergence requests compare with; it must outlive the engine. nullptr: nothing.
  void set_reference(Reference* reference) noexcept;

  [[nodiscard]] const EngineCounters& counters() const noexcept;
  [[nodiscard]] model::LoadedModel& model() noexcept;
  [[nodiscard]] const EngineOptions& options() const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nibble::eval
