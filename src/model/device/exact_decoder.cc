#include "model/device/exact_decoder.h"

#include <algorithm>
#include <vector>

#include "base/cancel.h"
#include "model/device/page_memory.h"
#include "model/device/probes.h"
#include "model/forward_call.h"
#include "model/layers/attention_block.h"
#include "model/load.h"

namespace nibble::model {
namespace {

/// Logits that are on the device at a time: 256 MiB.
constexpr std::size_t kExactLogits = std::size_t{64} << 20;
/// Of activations and logits beside the weights.
constexpr std::size_t kExactWorkingBytes = std::size_t{1} << 30;

kernels::cuda::KvShape exact_kv_shape(const ModelConfig& config, std::size_t layer) {
  return {.n_heads = static_cast<int>(config.n_heads),
          .n_kv_heads = static_cast<int>(config.n_kv_heads),
          .head_dim = static_cast<int>(config.head_dim),
          .page_tokens = static_cast<int>(kPageTokens),
          .layer = static_cast<int>(layer)};
}

}  // namespace

ExactDecoder::ExactDecoder(const ModelConfig& config,
                           ExactWeights weights,
                           std::shared_ptr<ops::Device> device,
                           ThreadPool& pool)
    : config_(config),
      device_(std::move(device)),
      kernels_(*kernels::cuda::exact_kernels()),
      weights_(std::move(weights)),
      pool_(pool),
      pages_(device_page_memory(device_)) {}

ExactDecoder::~ExactDecoder() = default;

float* ExactDecoder::floats(ops::DeviceScratch& which, std::size_t n_rows, std::size_t width) {
  return reinterpret_cast<float*>(which.need(*device_, n_rows * width * sizeof(float)));
}

void ExactDecoder::normalize(const float* x,
                             const ops::DeviceBuffer& weight,
                             std::size_t n_rows,
                             ops::DeviceScratch& out) {
  kernels::cuda::NormTask task;
  task.x = x;
  task.weight = weight.as<const float>();
  task.y = floats(out, n_rows, config_.hidden);
  task.n_rows = static_cast<int>(n_rows);
  task.width = static_cast<int>(config_.hidden);
  task.epsilon = config_.norm_epsilon;
  task.float_out = true;
  device_->kernels().rms_norm(task, device_->stream());
}

void ExactDecoder::multiply(
    const ExactMatrix& w, const float* x, float* y, std::size_t n_rows, bool adds) {
  kernels_.multiply({.w = w.values.as<const float>(),
                     .x = x,
                     .y = y,
                     .rows = static_cast<int>(w.rows),
                     .cols = static_cast<int>(w.cols),
                     .n_tokens = static_cast<int>(n_rows),
                     .adds = adds},
                    device_->stream());
}

void ExactDecoder::run_attention(const ExactLayer& layer, std::size_t index, DeviceProbes& probes) {
  const auto n = static_cast<std::size_t>(batch_.view().n_tokens);
  float* const x = floats(hidden_, n, config_.hidden);
  normalize(x, layer.attention_norm, n, normed_);
  float* const qkv = floats(qkv_, n, layer.qkv.rows);
  multiply(layer.qkv, floats(normed_, n, config_.hidden), qkv, n);
  kernels::cuda::RopeTask rope;
  rope.batch = batch_.view();
  rope.shape = exact_kv_shape(config_, index);
  rope.qkv = qkv;
  rope.inverse_frequency = layer.inverse_frequency.as<const float>();
  rope.bias = layer.qkv_bias.as<const float>();
  rope.q_norm = layer.q_norm.as<const float>();
  rope.k_norm = layer.k_norm.as<const float>();
  rope.epsilon = config_.norm_epsilon;
  kernels_.rope_store(rope, device_->stream());

  kernels::cuda::AttentionTask task;
  task.batch = rope.batch;
  task.shape = rope.shape;
  task.qkv = qkv;
  task.out = floats(attended_, n, layer.o.cols);
  task.scale = config_.attention_scale;
  task.window = static_cast<int>(attention_shape(config_, index).window);
  kernels_.attention(task, device_->stream());
  if (!probes.empty()) {
    probes.measure(rope, task, true);
  }
  multiply(layer.o, floats(attended_, n, layer.o.cols), x, n, true);
}

void ExactDecoder::run_mlp(const ExactLayer& layer, float* x, std::size_t n_rows) {
  normalize(x, layer.mlp_norm, n_rows, normed_);
  float* const both = floats(gate_up_, n_rows, layer.gate_up.rows);
  multiply(layer.gate_up, floats(normed_, n_rows, config_.hidden), both, n_rows);
  float* const gated = floats(gated_, n_rows, config_.intermediate);
  kernels_.gate(both,
                gated,
                static_cast<int>(config_.intermediate),
                static_cast<int>(n_rows),
                config_.activation == ops::GateActivation::kGeluTanh,
                device_->stream());
  multiply(layer.down, gated, x, n_rows, true);
}

void ExactDecoder::run_layers(const BatchPlan& plan, DeviceProbes& probes) {
  const auto& k = device_->kernels();
  const int width = static_cast<int>(config_.hidden);
  std::size_t n_rows = plan.tokens.size();
  float* x = floats(hidden_, n_rows, config_.hidden);
  k.gather(weights_.embedding.values.as<const float>(),
           reinterpret_cast<const std::uint32_t*>(batch_.tokens()),
           x,
           static_cast<int>(n_rows),
           width,
           device_->stream());
  for (std::size_t i = 0; i < weights_.layers.size(); ++i) {
    run_attention(weights_.layers[i], i, probes);
    if (i + 1 == weights_.layers.size() && plan.wanted.size() < n_rows) {
      n_rows = plan.wanted.size();
      if (n_rows == 0) {
        return;
      }
      float* const wanted = floats(narrowed_, n_rows, config_.hidden);
      k.gather(x, batch_.wanted(), wanted, static_cast<int>(n_rows), width, device_->stream());
      x = wanted;
    }
    run_mlp(weights_.layers[i], x, n_rows);
  }
  normalize(x, weights_.final_norm, n_rows, final_);
}

void ExactDecoder::download(const float* from, MatrixView<float> to) {
  std::vector<float> values(to.rows * to.cols);
  device_->download(from, values.data(), values.size() * sizeof(float));
  for (std::size_t row = 0; row < to.rows; ++row) {
    std::copy_n(values.data() + row * to.cols, to.cols, to.row(row));
  }
}

void ExactDecoder::forward(std::span<const SequenceChunk> chunks,
                           KvCache& cache,
                           std::span<const std::uint32_t> wanted,
                           MatrixView<float> hidden) {
  check_forward(config_, chunks, wanted, hidden);
  if (chunks.empty()) {
    return;
  }
  if (cache.coding(0) != nullptr || cache.dtype() != DType::kF32) {
    raise(ErrorCode::kUnsupported,
          "f32 arithmetic on a GPU keeps keys and values in float32 alone; --device cpu knows the "
          "other schemes");
  }
  cancel_flag().check();
  const PackedBatch checked(chunks, cache);  // no empty chunk, no sequence twice
  CacheGrowth growth(cache, chunks);
  const BatchPlan plan = plan_batch(config_, chunks, cache, wanted, {.is_wide = true});
  batch_.upload(*device_, plan);
  DeviceProbes probes(config_, chunks, checked, *device_, kernels_.sum_masses);
  run_layers(plan, probes);
  device_->check("a forward pass");
  if (hidden.rows > 0) {
    download(floats(final_, hidden.rows, config_.hidden), hidden);
  } else {
    device_->synchronize();
  }
  if (!probes.empty()) {
    probes.keep();
  }
  growth.keep();
}

void ExactDecoder::head(MatrixView<const float> hidden, MatrixView<float> logits) {
  if (hidden.cols != config_.hidden || logits.rows != hidden.rows || logits.cols != config_.vocab) {
    raise(ErrorCode::kShapeMismatch,
          "head: hidden [{}, {}] to logits [{}, {}], a vocabulary of {}",
          hidden.rows,
          hidden.cols,
          logits.rows,
          logits.cols,
          config_.vocab);
  }
  const std::size_t at_once = std::max<std::size_t>(1, kExactLogits / config_.vocab);
  std::vector<float> rows;
  for (std::size_t first = 0; first < hidden.rows; first += at_once) {
    const std::size_t n = std::min(at_once, hidden.rows - first);
    rows.clear();
    for (std::size_t row = first; row < first + n; ++row) {
      rows.insert(rows.end(), hidden.row(row), hidden.row(row) + hidden.cols);
    }
    float* const x = floats(final_, n, config_.hidden);
    device_->upload(rows.data(), x, rows.size() * sizeof(float));
    float* const y = floats(logits_, n, config_.vocab);
    multiply(weights_.head, x, y, n);
    device_->check("the output head");
    download(y, logits.rows_from(first, n));
  }
}

void ExactDecoder::score(MatrixView<const float> hidden,
                         std::span<const ops::RowTarget> targets,
                         std::span<ops::TokenScore> scores) {
  ops::TokenScorer scorer(hidden.rows, config_.vocab, targets);
  const std::size_t at_once = std::max<std::size_t>(1, kExactLogits / config_.vocab);
  std::vector<float> logits(std::min(at_once, hidden.rows) * config_.vocab);
  for (std::size_t first = 0; first < hidden.rows; first += at_once) {
    const std::size_t n = std::min(at_once, hidden.rows - first);
    const MatrixView<float> part(logits.data(), n, config_.vocab);
    head(hidden.rows_from(first, n), part);
    scorer.add(first, 0, part, pool_);
  }
  scorer.finish(scores);
}

std::unique_ptr<LanguageModel> build_exact_decoder(const io::Checkpoint& checkpoint,
                                                   const ModelConfig& config,
                                                   std::shared_ptr<ops::Device> device,
                                                   ThreadPool& pool,
                                                   ProgressSink& progress) {
  constexpr double kGibibyte = 1024.0 * 1024.0 * 1024.0;
  // A tied embedding is the head, which is counted.
  const std::size_t needed =
      memory_needed(checkpoint, config, Arithmetic::kF32).take() +
      (config.tied_embeddings ? 0 : config.vocab * config.hidden * sizeof(float)) +
      kExactWorkingBytes;
  if (const std::size_t free = device->free_bytes(); needed > free) {
    raise(ErrorCode::kOutOfMemory,
          "{} needs {:.1f} GiB on {} in f32 arithmetic, {:.1f} GiB are free",
          checkpoint.path().string(),
          static_cast<double>(needed) / kGibibyte,
          device->name(),
          static_cast<double>(free) / kGibibyte);
  }
  progress.begin("load", config.n_layers);
  const WeightLoader loader(checkpoint, config, Arithmetic::kF32, pool, progress);
  ExactWeights weights = load_exact_weights(config, loader, *device);
  progress.end();
  return std::make_unique<ExactDecoder>(config, std::move(weights), std::move(device), pool);
}

}  // namespace nibble::model
