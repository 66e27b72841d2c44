#include "model/output_head.h"

#include <algorithm>
#include <cmath>

#include "base/progress.h"
#include "io/checkpoint.h"

namespace nibble::model {
namespace {

/// Tokens of one slice, and rows that are scored at a time: their logits take 1 MB and stay in the
/// second-level cache.
constexpr std::size_t kSlice = 2048;
constexpr std::size_t kScoredRows = 128;

void apply_softcap(float limit, MatrixView<float> logits, ThreadPool& pool) {
  pool.run(logits.rows, [&](std::size_t row, std::size_t /*worker*/) {
    for (float& x : logits.row_span(row)) {
      x = limit * std::tanh(x / limit);
    }
  });
}

}  // namespace

OutputHead::OutputHead(const ModelConfig& config, const WeightLoader& weights)
    : vocab_(config.vocab),
      softcap_(config.final_softcap),
      pool_(weights.pool()),
      slices_(weights.slices(config.tied_embeddings ? "model.embed_tokens" : "lm_head",
                             config.vocab,
                             config.hidden,
                             kSlice)) {}

std::size_t OutputHead::weight_bytes() const noexcept {
  std::size_t n_bytes = 0;
  for (const ops::Linear& slice : slices_) {
    n_bytes += slice.packed_bytes();
  }
  return n_bytes;
}

void OutputHead::apply(MatrixView<const float> hidden, MatrixView<float> logits) const {
  if (logits.cols != vocab_) {
    raise(ErrorCode::kShapeMismatch,
          "head: room for {} logits, a vocabulary of {}",
          logits.cols,
          vocab_);
  }
  std::vector<const ops::Linear*> slices;
  std::vector<MatrixView<float>> parts;
  for (const ops::Linear& slice : slices_) {
    parts.push_back(logits.cols_from(slices.size() * kSlice, slice.rows()));
    slices.push_back(&slice);
  }
  ops::apply_all(slices, hidden, parts, pool_);
  if (softcap_ > 0) {
    apply_softcap(softcap_, logits, pool_);
  }
}

void OutputHead::score(MatrixView<const float> hidden,
                       std::span<const ops::RowTarget> targets,
                       std::span<ops::TokenScore> scores) {
  ops::TokenScorer scorer(hidden.rows, vocab_, targets);
  slice_logits_.resize(std::min(kScoredRows, hidden.rows) * kSlice);
  for (std::size_t i = 0; i < slices_.size(); ++i) {
    for (std::size_t first = 0; first < hidden.rows; first += kScoredRows) {
      const std::size_t n = std::min(kScoredRows, hidden.rows - first);
      const MatrixView<float> logits(slice_logits_.data(), n, slices_[i].rows());
      slices_[i].apply(hidden.rows_from(first, n), logits, pool_);
      if (softcap_ > 0) {
        apply_softcap(softcap_, logits, pool_);
      }
      scorer.add(first, i * kSlice, logits, pool_);
    }
  }
  scorer.finish(scores);
}

std::unique_ptr<OutputHead> load_output_head(const std::filesystem::path& path,
                                             Arithmetic arithmetic,
                                             ThreadPool& pool) {
  const auto checkpoint = io::open_checkpoint(path).take();
  const ModelConfig config = read_config(*checkpoint).take();
  const WeightLoader weights(*checkpoint, config, arithmetic, pool, silent_progress());
  return std::make_unique<OutputHead>(config, weights);
}

}  // namespace nibble::model
