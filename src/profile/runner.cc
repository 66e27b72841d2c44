#include "profile/runner.h"

#include <algorithm>

#include "base/cancel.h"
#include "base/checked_math.h"
#include "tensor/matrix_view.h"

namespace nibble::profile {
namespace {

std::size_t cache_bytes(const model::LanguageModel& model,
                        std::size_t n_sequences,
                        std::size_t n_tokens) {
  const std::size_t n_rounded = round_up(n_tokens, model::kPageTokens) + model::kPageTokens;
  return n_sequences * model.make_cache(0).bytes_for(n_rounded, n_tokens);
}

}  // namespace

Runner::Runner(model::LanguageModel& model, std::size_t n_sequences, std::size_t n_tokens)
    : model_(model),
      cache_(model.make_cache(cache_bytes(model, n_sequences, n_tokens))),
      next_(n_sequences),
      hidden_(n_sequences * model.config().hidden),
      logits_(n_sequences * model.config().vocab) {
  for (std::size_t i = 0; i < n_sequences; ++i) {
    chunks_.push_back({cache_.create(), {}});
  }
}

void Runner::prompt(std::span<const text::TokenId> tokens) {
  for (model::SequenceChunk& chunk : chunks_) {
    chunk.tokens = tokens;
  }
  run(tokens.size());
}

void Runner::step() {
  for (std::size_t i = 0; i < chunks_.size(); ++i) {
    chunks_[i].tokens = std::span(next_).subspan(i, 1);
  }
  run(1);
}

void Runner::run(std::size_t n_tokens_each) {
  cancel_flag().check();
  const std::size_t n = chunks_.size();
  const model::ModelConfig& config = model_.config();
  std::vector<std::uint32_t> last(n);
  for (std::size_t i = 0; i < n; ++i) {
    last[i] = static_cast<std::uint32_t>((i + 1) * n_tokens_each - 1);
  }
  model_.forward(chunks_, cache_, last, MatrixView<float>(hidden_.data(), n, config.hidden));
  model_.head(MatrixView<const float>(hidden_.data(), n, config.hidden),
              MatrixView<float>(logits_.data(), n, config.vocab));
  for (std::size_t i = 0; i < n; ++i) {
    const std::span row = std::span(logits_).subspan(i * config.vocab, config.vocab);
    next_[i] = static_cast<text::TokenId>(std::ranges::max_element(row) - row.begin());
  }
}

}  // namespace nibble::profile
