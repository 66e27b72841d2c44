#include "quant/gradient/head_gradient.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "model/weights.h"
#include "quant/gradient/elementwise.h"
#include "quant/matrix.h"
#include "quant/products.h"
#include "quant/solve/parallel_for.h"

namespace nibble::quant {
namespace {

constexpr std::size_t kTokensOfLogits = 256;

std::vector<float> loaded(const io::Checkpoint& checkpoint,
                          const model::ModelConfig& config,
                          const char* name,
                          ThreadPool& pool) {
  return decode_matrix(model::load_weight(checkpoint, config, name).take(), pool);
}

/// Replaces the logits of one token by the gradient of its loss, and gives the loss.
double softmax_backward(std::span<float> logits, std::size_t target, float softcap) {
  if (softcap > 0) {
    std::ranges::transform(
        logits, logits.begin(), [&](float z) { return softcap * std::tanh(z / softcap); });
  }
  const float most = *std::ranges::max_element(logits);
  double sum = 0;
  for (const float z : logits) {
    sum += std::exp(double{z} - double{most});
  }
  const double loss = std::log(sum) + double{most} - double{logits[target]};
  for (std::size_t i = 0; i < logits.size(); ++i) {
    const float z = logits[i];
    const double p = std::exp(double{z} - double{most}) / sum;
    const double slope = softcap > 0 ? 1.0 - std::pow(double{z} / double{softcap}, 2) : 1.0;
    logits[i] = static_cast<float>((p - (i == target ? 1.0 : 0.0)) * slope);
  }
  return loss;
}

}  // namespace

HeadGradient::HeadGradient(const io::Checkpoint& checkpoint,
                           const model::ModelConfig& config,
                           ThreadPool& pool)
    : pool_(pool),
      epsilon_(config.norm_epsilon),
      softcap_(config.final_softcap),
      vocab_(config.vocab),
      norm_(loaded(checkpoint, config, "model.norm.weight", pool)),
      head_(loaded(checkpoint,
                   config,
                   config.tied_embeddings ? "model.embed_tokens.weight" : "lm_head.weight",
                   pool)) {}

double HeadGradient::backward(MatrixView<float> hidden,
                              std::span<const std::int32_t> ids,
                              std::size_t window) {
  NIBBLE_CHECK(hidden.rows == ids.size() && window > 0 && ids.size() % window == 0,
               "head gradient: rows are whole windows");
  std::vector<std::int32_t> targets(ids.size(), -1);
  for (std::size_t t = 0; t + 1 < ids.size(); ++t) {
    targets[t] = (t + 1) % window == 0 ? -1 : ids[t + 1];
  }
  double loss = 0;
  for (std::size_t first = 0; first < hidden.rows; first += kTokensOfLogits) {
    const std::size_t n = std::min(kTokensOfLogits, hidden.rows - first);
    loss += part_backward(hidden.rows_from(first, n), std::span(targets).subspan(first, n));
  }
  return loss;
}

double HeadGradient::part_backward(MatrixView<float> hidden,
                                   std::span<const std::int32_t> targets) {
  normed_.resize(hidden.rows * hidden.cols);
  logits_.resize(hidden.rows * vocab_);
  const MatrixView<float> normed(normed_.data(), hidden.rows, hidden.cols);
  const MatrixView<float> logits(logits_.data(), hidden.rows, vocab_);
  const MatrixView<const float> head(head_.data(), vocab_, hidden.cols);
  norm_forward<float>(hidden, norm_, epsilon_, normed, pool_);
  product<float>(plain(normed), transposed(head), 0.0F, logits, pool_);
  std::vector<double> losses(hidden.rows);
  parallel_for(pool_, hidden.rows, 1, [&](std::size_t t) {
    if (targets[t] < 0) {
      std::ranges::fill(logits.row_span(t), 0.0F);
    } else {
      losses[t] =
          softmax_backward(logits.row_span(t), static_cast<std::size_t>(targets[t]), softcap_);
    }
  });
  product<float>(plain(logits), plain(head), 0.0F, normed, pool_);
  norm_backward<float>(hidden, norm_, epsilon_, normed, pool_);
  for (std::size_t t = 0; t < hidden.rows; ++t) {
    std::ranges::copy(normed.row_span(t), hidden.row(t));
  }
  double loss = 0;
  for (const double l : losses) {
    loss += l;
  }
  return loss;
}

}  // namespace nibble::quant
