#include "model/decoder.h"

#include "base/cancel.h"
#include "model/forward_call.h"
#include "ops/elementwise.h"

namespace nibble::model {
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
  check_forward(config_, chunks, wanted, hidden);
  if (chunks.empty()) {
    return;
  }
  PackedBatch batch(chunks, cache);
  CacheGrowth growth(cache, chunks);
  AttentionProbes probes(config_, chunks, batch);
  Stream stream({config_, workspace_, pool_, cache, probes.empty() ? nullptr : &probes},
                std::move(batch),
                wanted);
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
  probes.keep();
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
