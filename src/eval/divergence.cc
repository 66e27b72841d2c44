#include "eval/divergence.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "base/cancel.h"
#include "base/error.h"

namespace nibble::eval {
namespace {

/// Rows whose logits are held at a time, twice: 25 MB for a vocabulary of 100,000.
constexpr std::size_t kRows = 32;

/// log of the sum of exp, and the first of the largest.
struct Norm {
  double log_sum = 0;
  std::size_t top = 0;
};

Norm norm_of(std::span<const float> logits) {
  const auto top = std::ranges::max_element(logits);
  double sum = 0;
  for (const float x : logits) {
    sum += std::exp(static_cast<double>(x) - static_cast<double>(*top));
  }
  return {std::log(sum) + static_cast<double>(*top),
          static_cast<std::size_t>(top - logits.begin())};
}

class ModelReference final : public Reference {
 public:
  ModelReference(model::LanguageModel& model, std::size_t batch_tokens)
      : model_(model), batch_tokens_(batch_tokens) {}

  std::vector<float> states(std::span<const std::int32_t> tokens, std::size_t first_row) override {
    return final_states(model_, tokens, first_row, batch_tokens_);
  }
  void head(MatrixView<const float> states, MatrixView<float> logits) override {
    model_.head(states, logits);
  }
  [[nodiscard]] std::size_t vocab() const noexcept override { return model_.config().vocab; }

 private:
  model::LanguageModel& model_;
  std::size_t batch_tokens_;
};

}  // namespace

Divergence row_divergence(std::span<const float> reference, std::span<const float> logits) {
  const Norm p = norm_of(reference);
  const Norm q = norm_of(logits);
  Divergence row{0, 1, p.top == q.top ? 1U : 0U};
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const double log_p = static_cast<double>(reference[i]) - p.log_sum;
    const double weight = std::exp(log_p);
    if (weight > 0) {  // a token that the reference rules out adds nothing
      row.kl += weight * (log_p - (static_cast<double>(logits[i]) - q.log_sum));
    }
  }
  if (!std::isfinite(p.log_sum) || !std::isfinite(q.log_sum)) {
    row.kl = std::numeric_limits<double>::quiet_NaN();
  }
  return row;
}

std::vector<float> final_states(model::LanguageModel& model,
                                std::span<const std::int32_t> tokens,
                                std::size_t first_row,
                                std::size_t batch_tokens) {
  const std::size_t width = model.config().hidden;
  std::vector<float> states((tokens.size() - first_row) * width);
  model::KvCache cache = model.make_cache(std::numeric_limits<std::size_t>::max());
  const model::SequenceId sequence = cache.create();
  float* next = states.data();
  for (std::size_t begin = 0; begin < tokens.size(); begin += batch_tokens) {
    cancel_flag().check();
    const std::size_t n = std::min(batch_tokens, tokens.size() - begin);
    const std::size_t first = std::min(n, first_row - std::min(first_row, begin));
    std::vector<std::uint32_t> wanted(n - first);
    std::iota(wanted.begin(), wanted.end(), static_cast<std::uint32_t>(first));
    const model::SequenceChunk chunk{sequence, tokens.subspan(begin, n)};
    model.forward(
        std::span(&chunk, 1), cache, wanted, MatrixView<float>(next, wanted.size(), width));
    next += wanted.size() * width;
  }
  return states;
}

std::unique_ptr<Reference> model_reference(model::LanguageModel& model, std::size_t batch_tokens) {
  return std::make_unique<ModelReference>(model, batch_tokens);
}

Divergence compare_window(model::LanguageModel& model,
                          Reference& reference,
                          std::span<const std::int32_t> tokens,
                          std::size_t first_row,
                          std::size_t batch_tokens) {
  const std::size_t vocab = model.config().vocab;
  if (reference.vocab() != vocab) {
    raise(ErrorCode::kShapeMismatch,
          "the reference model has a vocabulary of {}, this one of {}: their distributions cannot "
          "be compared",
          reference.vocab(),
          vocab);
  }
  const std::size_t n_rows = tokens.size() - first_row;
  const std::vector<float> wanted = reference.states(tokens, first_row);
  const std::vector<float> own = final_states(model, tokens, first_row, batch_tokens);
  const std::size_t wanted_width = wanted.size() / n_rows;
  const std::size_t own_width = own.size() / n_rows;
  std::vector<float> logits(2 * std::min(kRows, n_rows) * vocab);
  std::vector<Divergence> rows(n_rows);
  for (std::size_t first = 0; first < n_rows; first += kRows) {
    const std::size_t n = std::min(kRows, n_rows - first);
    const MatrixView<float> p(logits.data(), n, vocab);
    const MatrixView<float> q(logits.data() + n * vocab, n, vocab);
    reference.head(MatrixView<const float>(&wanted[first * wanted_width], n, wanted_width), p);
    model.head(MatrixView<const float>(&own[first * own_width], n, own_width), q);
    model.pool().run(n, [&](std::size_t i, std::size_t /*worker*/) {
      rows[first + i] = row_divergence(p.row_span(i), q.row_span(i));
    });
  }
  Divergence sum;
  for (const Divergence& row : rows) {
    sum.kl += row.kl;
    sum.n_rows += row.n_rows;
    sum.n_same_top += row.n_same_top;
  }
  return sum;
}

}  // namespace nibble::eval
