#include "rag/encoder/bert.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/cancel.h"
#include "base/error.h"
#include "codec/codecs.h"
#include "ops/elementwise.h"
#include "ops/encoder_elementwise.h"
#include "quant/solve/nearest.h"

namespace nibble::rag {
namespace {

/// Rows whose intermediate states are in the caches together: eight tiles of the widest kernels.
constexpr std::size_t kFeedForwardRows = 96;

enum Slot : std::size_t { kState, kQueries, kKeys, kValues, kAttended, kBranch, kGated, kSlots };

}  // namespace

/// Weights of a checkpoint by BERT's names, with or without "bert." in front.
class Bert::Loader {
 public:
  Loader(const io::Checkpoint& checkpoint, const BertOptions& options, ThreadPool& pool)
      : checkpoint_(checkpoint),
        options_(options),
        pool_(pool),
        prefix_(checkpoint.has("bert.embeddings.word_embeddings.weight") ? "bert." : "") {
    if (!options.codec.empty()) {
      codec_ = codec::codec_from_name(options.codec).take();
      auto settings = TomlDocument::parse("", "encoder").take();
      TomlTable stage = settings.root();
      nearest_ = quant::make_nearest(stage);
      nearest_->check(*codec_).take();
    }
  }

  codec::EncodedMatrix stored(const std::string& name, std::size_t rows, std::size_t cols) const {
    codec::EncodedMatrix matrix = checkpoint_.tensor(prefix_ + name).take().matrix;
    if (matrix.rows != rows || matrix.cols != cols) {
      raise(ErrorCode::kShapeMismatch,
            "{}: {}: the configuration wants [{}, {}], the file has [{}, {}]",
            checkpoint_.path().string(),
            prefix_ + name,
            rows,
            cols,
            matrix.rows,
            matrix.cols);
    }
    return matrix;
  }

  /// In the codec of the options, where there is one.
  codec::EncodedMatrix matrix(const std::string& name, std::size_t rows, std::size_t cols) const {
    codec::EncodedMatrix as_stored = stored(name, rows, cols);
    if (nearest_ == nullptr) {
      return as_stored;
    }
    const std::vector<float> values = codec::decode_all(as_stored);
    return nearest_->solve({.name = name, .weight = {values.data(), rows, cols}}, codec_, pool_)
        .matrix;
  }

  std::vector<float> vector(const std::string& name, std::size_t size) const {
    return codec::decode_all(stored(name, 1, size));
  }

  ops::Linear linear(const std::string& stem, std::size_t rows, std::size_t cols) const {
    return ops::Linear::make(matrix(stem + ".weight", rows, cols),
                             vector(stem + ".bias", rows),
                             options_.arithmetic,
                             pool_);
  }

  Norm norm(const std::string& stem, std::size_t size) const {
    return {vector(stem + ".weight", size), vector(stem + ".bias", size)};
  }

  Layer layer(const EncoderConfig& config, std::size_t index) const {
    const std::string at = fmt::format("encoder.layer.{}.", index);
    const std::size_t n = config.hidden;
    return {linear(at + "attention.self.query", n, n),
            linear(at + "attention.self.key", n, n),
            linear(at + "attention.self.value", n, n),
            linear(at + "attention.output.dense", n, n),
            linear(at + "intermediate.dense", config.intermediate, n),
            linear(at + "output.dense", n, config.intermediate),
            norm(at + "attention.output.LayerNorm", n),
            norm(at + "output.LayerNorm", n)};
  }

  std::vector<float> positions(const EncoderConfig& config) const {
    auto out = codec::decode_all(
        stored("embeddings.position_embeddings.weight", config.n_positions, config.hidden));
    const auto types = codec::decode_all(
        stored("embeddings.token_type_embeddings.weight", config.n_token_types, config.hidden));
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] += types[i % config.hidden];  // texts are never pairs: all tokens have type 0
    }
    return out;
  }

 private:
  const io::Checkpoint& checkpoint_;
  const BertOptions& options_;
  ThreadPool& pool_;
  std::string prefix_;
  std::shared_ptr<const codec::Codec> codec_;
  std::unique_ptr<quant::Solver> nearest_;
};

Bert::Bert(const io::Checkpoint& checkpoint,
           const EncoderConfig& config,
           const BertOptions& options,
           ThreadPool& pool,
           ProgressSink& progress)
    : config_(config), pool_(pool), buffers_(kSlots) {
  attention_ = {.n_heads = config.n_heads,
                .head_dim = config.head_dim(),
                .scale = 1.0F / std::sqrt(static_cast<float>(config.head_dim()))};
  const Loader loader(checkpoint, options, pool);
  progress.begin("loading the encoder", config.n_layers + 1);
  words_ = loader.matrix("embeddings.word_embeddings.weight", config.vocab, config.hidden);
  positions_ = loader.positions(config);
  embedding_norm_ = loader.norm("embeddings.LayerNorm", config.hidden);
  progress.advance(1);
  for (std::size_t i = 0; i < config.n_layers; ++i) {
    cancel_flag().check();
    layers_.push_back(loader.layer(config, i));
    progress.advance(1);
  }
  progress.end();
}

std::size_t Bert::n_bytes() const noexcept {
  std::size_t n = words_.n_bytes() + positions_.size() * sizeof(float);
  for (const Layer& layer : layers_) {
    for (const ops::Linear* linear :
         {&layer.q, &layer.k, &layer.v, &layer.o, &layer.up, &layer.down}) {
      n += linear->packed_bytes();
    }
  }
  return n;
}

MatrixView<float> Bert::scratch(std::size_t slot, std::size_t rows, std::size_t cols) {
  std::vector<float>& buffer = buffers_[slot];
  if (buffer.size() < rows * cols) {
    buffer.resize(rows * cols);
  }
  return {buffer.data(), rows, cols};
}

void Bert::norm(const Norm& norm, MatrixView<float> x) {
  ops::layer_norm(x, norm.weight, norm.bias, config_.norm_epsilon, x, pool_);
}

void Bert::embed(std::span<const std::int32_t> ids,
                 std::span<const std::size_t> lengths,
                 MatrixView<float> x) const {
  std::size_t row = 0;
  for (const std::size_t n : lengths) {
    if (n > config_.n_positions) {
      raise(ErrorCode::kInvalidArgument,
            "a text of {} tokens; the encoder has {} positions",
            n,
            config_.n_positions);
    }
    for (std::size_t p = 0; p < n; ++p, ++row) {
      const auto id = static_cast<std::size_t>(ids[row]);
      if (ids[row] < 0 || id >= config_.vocab) {
        raise(ErrorCode::kInvalidArgument,
              "token id {} is outside the encoder's vocabulary of {}",
              ids[row],
              config_.vocab);
      }
      words_.codec->decode_rows(words_, id, 1, x.row(row));
      const float* position = positions_.data() + p * config_.hidden;
      for (std::size_t c = 0; c < config_.hidden; ++c) {
        x(row, c) += position[c];
      }
    }
  }
}

void Bert::attend(const Layer& layer, std::span<const std::size_t> lengths, MatrixView<float> x) {
  const auto q = scratch(kQueries, x.rows, x.cols);
  const auto k = scratch(kKeys, x.rows, x.cols);
  const auto v = scratch(kValues, x.rows, x.cols);
  const auto attended = scratch(kAttended, x.rows, x.cols);
  const auto branch = scratch(kBranch, x.rows, x.cols);
  const std::array<const ops::Linear*, 3> layers = {&layer.q, &layer.k, &layer.v};
  const std::array<MatrixView<float>, 3> outputs = {q, k, v};
  ops::apply_all(layers, x, outputs, pool_);
  attention_.apply(q, k, v, lengths, attended, pool_);
  layer.o.apply(attended, branch, pool_);
  ops::add_in_place(branch, x, pool_);
  norm(layer.attention_norm, x);
}

void Bert::feed_forward(const Layer& layer, MatrixView<float> x) {
  for (std::size_t first = 0; first < x.rows; first += kFeedForwardRows) {
    const auto rows = x.rows_from(first, std::min(kFeedForwardRows, x.rows - first));
    const auto gated = scratch(kGated, rows.rows, config_.intermediate);
    const auto branch = scratch(kBranch, rows.rows, x.cols);
    layer.up.apply(rows, gated, pool_);
    ops::gelu_in_place(gated, pool_);
    layer.down.apply(gated, branch, pool_);
    ops::add_in_place(branch, rows, pool_);
    norm(layer.output_norm, rows);
  }
}

MatrixView<const float> Bert::encode(std::span<const std::int32_t> ids,
                                     std::span<const std::size_t> lengths) {
  if (std::accumulate(lengths.begin(), lengths.end(), std::size_t{0}) != ids.size()) {
    raise(ErrorCode::kShapeMismatch, "encode: the lengths do not add up to {} tokens", ids.size());
  }
  const auto x = scratch(kState, ids.size(), config_.hidden);
  embed(ids, lengths, x);
  norm(embedding_norm_, x);
  for (const Layer& layer : layers_) {
    cancel_flag().check();
    attend(layer, lengths, x);
    feed_forward(layer, x);
  }
  return x;
}

}  // namespace nibble::rag
