/// Sequences that go on greedily side by side, for measurements: the same tokens in all of them, no
/// end token stops them.
///
/// Errors     those of the model; kCancelled between forward passes
/// Source     our own
#pragma once

#include <chrono>
#include <cstddef>
#include <span>
#include <vector>

#include "model/language_model.h"
#include "text/tokenizer.h"

namespace nibble::profile {

class Runner {
 public:
  /// `n_tokens` is the most that one sequence will hold.
  Runner(model::LanguageModel& model, std::size_t n_sequences, std::size_t n_tokens);

  /// Feeds the same tokens to every sequence and takes the most likely next one of each.
  void prompt(std::span<const text::TokenId> tokens);
  /// Feeds what was taken last.
  void step();

 private:
  void run(std::size_t n_tokens_each);

  model::LanguageModel& model_;
  model::KvCache cache_;
  std::vector<model::SequenceChunk> chunks_;
  std::vector<text::TokenId> next_;
  std::vector<float> hidden_, logits_;
};

/// Time on the steady clock.
class Stopwatch {
 public:
  [[nodiscard]] double milliseconds() const {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start_)
        .count();
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace nibble::profile
