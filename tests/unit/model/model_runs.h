/// Building and running models in tests, without a tokenizer.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "base/json.h"
#include "base/thread_pool.h"
#include "io/checkpoint.h"
#include "model/language_model.h"

namespace nibble::model::testing {

using Tokens = std::vector<std::int32_t>;

/// Logits of some rows, [rows, vocab].
struct Logits {
  std::vector<float> values;
  std::size_t vocab = 0;

  [[nodiscard]] std::size_t rows() const { return values.size() / vocab; }
  [[nodiscard]] std::span<const float> row(std::size_t r) const {
    return std::span(values).subspan(r * vocab, vocab);
  }
};

class TestModel {
 public:
  explicit TestModel(const std::filesystem::path& path, Arithmetic arithmetic = Arithmetic::kF32);

  [[nodiscard]] LanguageModel& model() { return *model_; }
  [[nodiscard]] KvCache cache() const { return model_->make_cache(std::size_t{1} << 30); }

  /// One pass over the chunks; logits of the wanted packed rows.
  Logits run(KvCache& cache,
             std::span<const SequenceChunk> chunks,
             std::span<const std::uint32_t> wanted);
  /// Logits of every position of one new sequence, fed `chunk` tokens at a time (0: all at once).
  Logits run_all(const Tokens& tokens, std::size_t chunk = 0);
  /// Logits behind the last of `tokens`.
  std::vector<float> next(KvCache& cache, SequenceId sequence, const Tokens& tokens);
  Tokens generate(const Tokens& prompt, std::size_t n_tokens);

 private:
  ThreadPool pool_{2};
  std::unique_ptr<io::Checkpoint> checkpoint_;
  ModelConfig config_;
  std::unique_ptr<LanguageModel> model_;
};

/// log-probability of `token` under one row of logits, in float64.
double logprob(std::span<const float> logits, std::int32_t token);
double logsumexp(std::span<const float> logits);
/// Largest absolute difference; infinity when the sizes differ.
double max_difference(std::span<const float> a, std::span<const float> b);

/// Compares all prompts and greedy continuations of a file "engine/<name>.json": log-probabilities
/// and log-sum-exp to `tolerance`, logits to `logit_tolerance`, ids exactly.
void expect_golden(TestModel& model, const std::filesystem::path& golden_json, double tolerance);
void expect_golden_greedy(TestModel& model, const std::filesystem::path& golden_json);

}  // namespace nibble::model::testing
