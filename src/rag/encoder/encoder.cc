#include "rag/encoder/encoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "base/hash.h"
#include "base/numerics.h"
#include "text/tokenizer_files.h"

namespace nibble::rag {
namespace {

/// Tokens of one pass for each thread: enough rows for the matrix kernels, few enough for the
/// caches. Vectors do not depend on it (docs/decisions/0007).
constexpr std::size_t kBatchTokensOfThread = 256;
constexpr std::size_t kMostBatchTokens = 2048;

void normalize(float* x, std::size_t n) {
  double squares = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    squares += double{x[i]} * double{x[i]};
  }
  const auto factor = static_cast<float>(1.0 / std::max(std::sqrt(squares), 1e-12));
  for (std::size_t i = 0; i < n; ++i) {
    x[i] *= factor;
  }
}

/// What an encoder is made of, before its weights are loaded.
struct EncoderFiles {
  std::unique_ptr<io::Checkpoint> checkpoint;
  EncoderConfig config;
  std::unique_ptr<text::Tokenizer> tokenizer;

  explicit EncoderFiles(const std::filesystem::path& folder)
      : checkpoint(io::open_checkpoint(folder).take()),
        config(read_encoder_config(*checkpoint).take()),
        tokenizer(text::open_tokenizer(folder).take()) {
    if (tokenizer->vocab_size() > config.vocab) {
      raise(ErrorCode::kShapeMismatch,
            "{}: the tokenizer has {} tokens, the encoder {}",
            folder.string(),
            tokenizer->vocab_size(),
            config.vocab);
    }
  }

  [[nodiscard]] std::string hash(const BertOptions& options) const {
    return Sha256()
        .field(checkpoint->hash())
        .field(tokenizer->hash())
        .field(pooling_name(config.pooling))
        .field(config.normalizes ? "normalized" : "as is")
        .field(std::to_string(config.max_tokens))
        .field(config.query_prefix)
        .field(config.passage_prefix)
        .field(options.codec)
        .field(arithmetic_name(options.arithmetic))
        .field(std::to_string(kNumericsRevision))
        .hex();
  }
};

}  // namespace

Encoder::Encoder(EncoderConfig config,
                 std::unique_ptr<text::Tokenizer> tokenizer,
                 std::unique_ptr<Bert> bert,
                 ThreadPool& pool)
    : config_(std::move(config)),
      tokenizer_(std::move(tokenizer)),
      bert_(std::move(bert)),
      pool_(pool) {}

Result<std::unique_ptr<Encoder>> Encoder::open(const std::filesystem::path& folder,
                                               const BertOptions& options,
                                               ThreadPool& pool,
                                               ProgressSink& progress) {
  try {
    EncoderFiles files(folder);
    auto bert = std::make_unique<Bert>(*files.checkpoint, files.config, options, pool, progress);
    std::string hash = files.hash(options);
    std::unique_ptr<Encoder> out(
        new Encoder(std::move(files.config), std::move(files.tokenizer), std::move(bert), pool));
    out->hash_ = std::move(hash);
    return out;
  } catch (const Error& error) {
    return error.failure();
  }
}

Result<std::string> Encoder::hash_of(const std::filesystem::path& folder,
                                     const BertOptions& options) {
  try {
    return EncoderFiles(folder).hash(options);
  } catch (const Error& error) {
    return error.failure();
  }
}

std::vector<Encoder::Ids> Encoder::tokenize(std::span<const std::string> texts, TextKind kind) {
  const std::string& prefix =
      kind == TextKind::kQuery ? config_.query_prefix : config_.passage_prefix;
  std::vector<Ids> out(texts.size());
  std::atomic<std::size_t> n_cut = 0;
  pool_.run(texts.size(), [&](std::size_t i, std::size_t /*worker*/) {
    auto ids =
        tokenizer_->encode(prefix.empty() ? texts[i] : prefix + texts[i], text::AddSpecial::kYes);
    if (!ids) {
      throw Error(ids.failure().within(fmt::format("text {}", i)));
    }
    if (ids->size() > config_.max_tokens) {
      const text::TokenId separator = ids->back();
      ids->resize(config_.max_tokens);
      ids->back() = separator;
      ++n_cut;
    }
    out[i] = std::move(*ids);
  });
  counts_.n_cut += n_cut;
  return out;
}

void Encoder::pool_states(MatrixView<const float> states, float* out) const {
  std::fill_n(out, states.cols, 0.0F);
  if (config_.pooling == Pooling::kCls) {
    std::copy_n(states.row(0), states.cols, out);
  } else {
    for (std::size_t t = 0; t < states.rows; ++t) {
      for (std::size_t c = 0; c < states.cols; ++c) {
        out[c] += states(t, c);
      }
    }
    const float share = 1.0F / static_cast<float>(states.rows);
    std::for_each_n(out, states.cols, [share](float& value) { value *= share; });
  }
  if (config_.normalizes) {
    normalize(out, states.cols);
  }
}

std::vector<float> Encoder::embed(std::span<const std::string> texts,
                                  TextKind kind,
                                  ProgressSink* progress) {
  const std::vector<Ids> tokens = tokenize(texts, kind);
  std::vector<std::size_t> order(texts.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(
      order, std::greater{}, [&tokens](std::size_t i) { return tokens[i].size(); });
  std::vector<float> out(texts.size() * dims());
  const std::size_t batch_tokens = std::min(kMostBatchTokens, kBatchTokensOfThread * pool_.size());
  std::size_t next = 0;
  while (next < order.size()) {
    Ids ids;
    std::vector<std::size_t> lengths;
    const std::size_t first = next;
    while (next < order.size() &&
           (next == first || ids.size() + tokens[order[next]].size() <= batch_tokens)) {
      const Ids& text = tokens[order[next++]];
      ids.insert(ids.end(), text.begin(), text.end());
      lengths.push_back(text.size());
    }
    const MatrixView<const float> states = bert_->encode(ids, lengths);
    std::size_t row = 0;
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      pool_states(states.rows_from(row, lengths[i]), out.data() + order[first + i] * dims());
      row += lengths[i];
    }
    counts_.n_tokens += ids.size();
    if (progress != nullptr) {
      progress->advance(lengths.size());
    }
  }
  return out;
}

}  // namespace nibble::rag
