/// A model whose predictions depend on every token read so far, kept where a real model keeps its
/// keys: in the paged cache. So a test sees whether a prefix was forked, cut or packed wrongly.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "model/language_model.h"
#include "unit/eval/fake_tokenizer.h"

namespace nibble::eval {

class FakeModel : public model::LanguageModel {
 public:
  explicit FakeModel(std::size_t context = 4096) {
    config_.architecture = "fake";
    config_.vocab = 259;
    config_.hidden = 2;
    config_.n_layers = 1;
    config_.n_heads = 1;
    config_.n_kv_heads = 1;
    config_.head_dim = 1;
    config_.context = context;
  }

  [[nodiscard]] const model::ModelConfig& config() const noexcept override { return config_; }
  [[nodiscard]] Arithmetic arithmetic() const noexcept override { return Arithmetic::kF32; }
  [[nodiscard]] ThreadPool& pool() const noexcept override { return pool_; }
  [[nodiscard]] std::size_t weight_bytes() const noexcept override { return 0; }

  void forward(std::span<const model::SequenceChunk> chunks,
               model::KvCache& cache,
               std::span<const std::uint32_t> wanted,
               MatrixView<float> hidden) override {
    std::vector<std::uint32_t> states;
    for (const model::SequenceChunk& chunk : chunks) {
      const std::size_t start = cache.length(chunk.sequence);
      cache.extend(chunk.sequence, chunk.tokens.size());
      const auto pages = cache.pages(chunk.sequence, 0);
      const auto slot = [&](std::size_t position) -> float& {
        return static_cast<float*>(
            pages[position / model::kPageTokens].keys)[position % model::kPageTokens];
      };
      for (std::size_t i = 0; i < chunk.tokens.size(); ++i) {
        slot(start + i) = static_cast<float>(chunk.tokens[i]);
      }
      std::uint32_t state = 1;
      for (std::size_t i = 0; i < start + chunk.tokens.size(); ++i) {
        state = next_state(state, static_cast<std::int32_t>(slot(i)));
        if (i >= start) {
          states.push_back(state);
        }
      }
    }
    n_batch_tokens.push_back(states.size());
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const std::uint32_t state = states.at(wanted[i]);
      hidden(i, 0) = static_cast<float>(state & 0xffffU);
      hidden(i, 1) = static_cast<float>(state >> 16);
    }
  }

  void head(MatrixView<const float> hidden, MatrixView<float> logits) override {
    for (std::size_t r = 0; r < hidden.rows; ++r) {
      const std::uint32_t state =
          static_cast<std::uint32_t>(hidden(r, 0)) | static_cast<std::uint32_t>(hidden(r, 1)) << 16;
      for (std::size_t v = 0; v < logits.cols; ++v) {
        logits(r, v) = logit(state, v);
      }
    }
  }

  /// A third of the vocabulary at a time.
  void score(MatrixView<const float> hidden,
             std::span<const ops::RowTarget> targets,
             std::span<ops::TokenScore> scores) override {
    std::vector<float> logits(hidden.rows * config_.vocab);
    const MatrixView<float> view(logits.data(), hidden.rows, config_.vocab);
    head(hidden, view);
    ops::TokenScorer scorer(hidden.rows, config_.vocab, targets);
    for (std::size_t first = 0; first < config_.vocab; first += 100) {
      const std::size_t n = std::min<std::size_t>(100, config_.vocab - first);
      scorer.add(0, first, view.cols_from(first, n), pool_);
    }
    scorer.finish(scores);
  }

  static std::uint32_t next_state(std::uint32_t state, std::int32_t token) {
    return (state ^ static_cast<std::uint32_t>(token + 7)) * 2654435761U + 12345U;
  }
  static float logit(std::uint32_t state, std::size_t token) {
    std::uint32_t mixed = (state + static_cast<std::uint32_t>(token) * 0x9e3779b9U) ^ (state >> 7);
    mixed = (mixed ^ (mixed >> 15)) * 0x85ebca6bU;
    return static_cast<float>((mixed >> 8) & 0xffffU) / 8192.0F - 4.0F;
  }

  /// What the model must answer to `tokens` followed by `target`, computed alone.
  static double logprob(std::span<const std::int32_t> tokens, std::int32_t target) {
    std::uint32_t state = 1;
    for (const std::int32_t token : tokens) {
      state = next_state(state, token);
    }
    double total = 0;
    for (std::size_t v = 0; v < 259; ++v) {
      total += std::exp(static_cast<double>(logit(state, v)));
    }
    return static_cast<double>(logit(state, static_cast<std::size_t>(target))) - std::log(total);
  }

  std::vector<std::size_t> n_batch_tokens;  ///< of each forward pass

 private:
  model::ModelConfig config_;
  mutable ThreadPool pool_{1};
};

}  // namespace nibble::eval
