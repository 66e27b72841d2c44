#include "model/decoder.h"

#include <algorithm>

#include "base/cancel.h"
#include "ops/elementwise.h"

namespace nibble::model {
namespace {

/// Makes room for the chunks and takes it back unless the pass succeeds.
class Growth {
 public:
  Growth(KvCache& cache, std::span<const SequenceChunk> chunks) : cache_(cache) {
    try {
      for (const SequenceChunk& chunk : chunks) {
        const std::size_t length = cache_.length(chunk.sequence);
        cache_.extend(chunk.sequence, chunk.tokens.size());
        grown_.push_back({chunk.sequence, length});
      }
    } catch (...) {
      take_back();
      throw;
    }
  }
  ~Growth() { take_back(); }
  Growth(const Growth&) = delete;
  Growth& operator=(const Growth&) = delete;

  void keep() noexcept { grown_.clear(); }

 private:
  struct Grown {
    SequenceId sequence;
    std::size_t old_length;
  };
  void take_back() {
    for (const Grown& grown : grown_) {
      cache_.truncate(grown.sequence, grown.old_length);
    }
    grown_.clear();
  }

  KvCache& cache_;
  std::vector<Grown> grown_;
};

std::size_t count_rows(std::span<const SequenceChunk> chunks) {
  std::size_t n_rows = 0;
  for (const SequenceChunk& chunk : chunks) {
    n_rows += chunk.tokens.size();
  }
  return n_rows;
}

}  // namespace

Decoder::Decoder(const ModelConfig& config, const WeightLoader& weights)
    : config_(config),
      arithmetic_(weights.arithmetic()),
      pool_(weights.pool()),
      embedding_(weights.matrix("model.embed_tokens.weight", config.vocab, config.hidden)),
      final_norm_(weights.vector("model.norm.weight", config.hidden)),
      head_(config, weights) {}

std::size_t Decoder::weight_bytes() const noexcept {
  return layer_bytes() + (config_.tied_embeddings ? 0 : embedding_.n_bytes()) +
         head_.weight_bytes();
}

void Decoder::check_call(std::span<const SequenceChunk> chunks,
                         std::span<const std::uint32_t> wanted,
                         MatrixView<float> hidden) const {
  for (const SequenceChunk& chunk : chunks) {
    for (const std::int32_t token : chunk.tokens) {
      if (token < 0 || static_cast<std::size_t>(token) >= config_.vocab) {
        raise(ErrorCode::kInvalidArgument,
              "token {} is outside the vocabulary of {}",
              token,
              config_.vocab);
      }
    }
  }
  const bool ascending = std::ranges::adjacent_find(wanted, std::greater_equal{}) == wanted.end();
  if (!ascending || (!wanted.empty() && wanted.back() >= count_rows(chunks))) {
    raise(ErrorCode::kInvalidArgument, "forward: wanted rows must ascend and lie in the batch");
  }
  if (hidden.rows != wanted.size() || (hidden.rows > 0 && hidden.cols != config_.hidden)) {
    raise(ErrorCode::kShapeMismatch,
          "forward: hidden is [{}, {}], wanted [{}, {}]",
          hidden.rows,
          hidden.cols,
          wanted.size(),
          config_.hidden);
  }
}

void Decoder::embed(std::span<const SequenceChunk> chunks, MatrixView<float> hidden) {
  std::vector<std::int32_t> tokens;
  tokens.reserve(hidden.rows);
  for (const SequenceChunk& chunk : chunks) {
    tokens.insert(tokens.end(), chunk.tokens.begin(), chunk.tokens.end());
  }
  pool_.run(hidden.rows, [&](std::size_t row, std::size_t /*worker*/) {
    const auto token = static_cast<std::size_t>(tokens[row]);
    embedding_.codec->decode_rows(embedding_, token, 1, hidden.row(row));
    if (config_.embedding_scale != 1.0F) {
      for (float& x : hidden.row_span(row)) {
        x *= config_.embedding_scale;
      }
    }
  });
}

void Decoder::forward(std::span<const SequenceChunk> chunks,
                      KvCache& cache,
                      std::span<const std::uint32_t> wanted,
                      MatrixView<float> hidden) {
  check_call(chunks, wanted, hidden);
  if (chunks.empty()) {
    return;
  }
  PackedBatch batch(chunks, cache);
  Growth growth(cache, chunks);
  Stream stream({config_, workspace_, pool_, cache}, std::move(batch), wanted);
  embed(chunks, stream.hidden());
  for (std::size_t layer = 0; layer < config_.n_layers; ++layer) {
    cancel_flag().check();
    stream.enter_layer(layer);
    run_layer(layer, stream);
  }
  if (hidden.rows > 0) {
    ops::rms_norm(stream.hidden(), final_norm_, config_.norm_epsilon, hidden, pool_);
  }
  growth.keep();
}

void Decoder::head(MatrixView<const float> hidden, MatrixView<float> logits) {
  head_.apply(hidden, logits);
}

void Decoder::score(MatrixView<const float> hidden,
                    std::span<const ops::RowTarget> targets,
                    std::span<ops::TokenScore> scores) {
  head_.score(hidden, targets, scores);
}

}  // namespace nibble::model
