#include "model/device/decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/cancel.h"
#include "model/device/buffers.h"
#include "model/device/needs.h"
#include "model/device/page_memory.h"
#include "model/device/probes.h"
#include "model/forward_call.h"
#include "model/layers/attention_block.h"

namespace nibble::model {
namespace {

using kernels::cuda::Epilogue;

/// Raises for pages that a device does not fill.
void check_cache(const KvCache& cache) {
  if (cache.dtype() != DType::kF16) {
    raise(ErrorCode::kUnsupported,
          "a GPU keeps keys and values as binary16 or coded, not as {}",
          cache.setup().name());
  }
}

/// Raises where the kernel of masses does not see what attention sees.
void check_probes(const ModelConfig& config, const KvCache& cache) {
  const auto refuse = [](const std::string& what) {
    raise(ErrorCode::kUnsupported,
          "a GPU does not measure attention {} yet; --device cpu does",
          what);
  };
  if (cache.coding(0) != nullptr) {
    refuse(fmt::format("over keys that are coded ({})", cache.setup().name()));
  }
  if (has_large_groups(config)) {
    refuse(fmt::format("of groups of {} heads", config.n_heads / config.n_kv_heads));
  }
}

}  // namespace

DeviceDecoder::Transforms::Transforms(ops::Device& device, const ModelConfig& config) {
  const Runtime& runtime = config.runtime;
  const std::size_t attended_cols = config.n_heads * config.head_dim;
  std::optional<ops::Hadamard> of_attended, of_gated;
  if (runtime.rotates_heads) {
    heads = {device,
             (config.n_heads + config.n_kv_heads) * config.head_dim,
             ops::hadamard_for(config.head_dim),
             {}};
  }
  if (runtime.rotates_attended) {
    of_attended = attended_rotation(config);
  }
  if (runtime.rotates_gated) {
    of_gated = ops::hadamard_for(config.intermediate);
  }
  normed = {device, config.hidden, std::nullopt, runtime.activations};
  attended = {device, attended_cols, of_attended, runtime.activations};
  gated = {device, config.intermediate, of_gated, runtime.activations};
}

DeviceDecoder::DeviceDecoder(const ModelConfig& config,
                             Arithmetic arithmetic,
                             DeviceWeights weights,
                             std::shared_ptr<ops::Device> device,
                             ThreadPool& pool)
    : config_(config),
      arithmetic_(arithmetic),
      device_(std::move(device)),
      weights_(std::move(weights)),
      pool_(pool),
      transforms_(*device_, config_),
      pages_(device_page_memory(device_)),
      buffers_(std::make_unique<Buffers>()) {}

DeviceDecoder::~DeviceDecoder() {
  forget_graphs();
}

std::size_t DeviceDecoder::host_weight_bytes() const noexcept {
  return weights_.stream != nullptr ? weights_.stream->host_bytes() : 0;
}

std::size_t DeviceDecoder::cache_budget() const {
  const std::size_t free = device_->free_bytes();
  const std::size_t work = std::min(free, planned_work_bytes(config_, arithmetic_));
  return std::max(planned_cache_bytes(config_), free - work);
}

void DeviceDecoder::forget_graphs() {
  for (const auto& [key, graph] : graphs_) {
    static_cast<void>(device_->runtime().release_graph(graph));
  }
  graphs_.clear();
}

void DeviceDecoder::need_rows(std::size_t n_rows) {
  if (buffers_->need_rows(*device_, config_, n_rows)) {
    forget_graphs();
  }
}

std::byte* DeviceDecoder::scratch(ops::DeviceScratch& which, std::size_t n_bytes) {
  if (which.size() < n_bytes) {
    forget_graphs();  // they know where it lay
  }
  return which.need(*device_, n_bytes);
}

void DeviceDecoder::multiply_normed(const ops::DeviceLinear& linear,
                                    const float* x,
                                    const ops::DeviceBuffer& norm,
                                    std::size_t n_rows,
                                    const ops::DeviceOutput& y) {
  Buffers& b = *buffers_;
  if (!transforms_.normed.is_on()) {
    const ops::NormedRows rows{
        x, norm.as<const float>(), config_.norm_epsilon, n_rows, b.normed.data()};
    linear.apply(*device_, rows, y, fixed_order(), b.linear);
    return;
  }
  kernels::cuda::NormTask task;
  task.x = x;
  task.weight = norm.as<const float>();
  task.y = b.normed.data();
  task.n_rows = static_cast<int>(n_rows);
  task.width = static_cast<int>(config_.hidden);
  task.epsilon = config_.norm_epsilon;
  device_->kernels().rms_norm(task, device_->stream());
  transforms_.normed.apply(*device_, b.normed.data(), n_rows, config_.hidden);
  linear.apply(*device_,
               ops::DeviceRows{b.normed.data(), n_rows, config_.hidden},
               y,
               fixed_order(),
               b.linear);
}

void DeviceDecoder::add_branch(const ops::DeviceLinear& linear,
                               const ops::DeviceRows& x,
                               const ops::DeviceBuffer& norm,
                               float* hidden) {
  Buffers& b = *buffers_;
  if (norm.size() == 0) {
    linear.apply(
        *device_, x, {hidden, config_.hidden, Epilogue::kAddFloat}, fixed_order(), b.linear);
    return;
  }
  linear.apply(
      *device_, x, {b.branch.data(), config_.hidden, Epilogue::kFloat}, fixed_order(), b.linear);
  kernels::cuda::NormTask task;
  task.x = b.branch.as<float>();
  task.weight = norm.as<const float>();
  task.y = hidden;
  task.n_rows = static_cast<int>(x.n_rows);
  task.width = static_cast<int>(config_.hidden);
  task.epsilon = config_.norm_epsilon;
  task.float_out = true;
  task.adds = true;
  device_->kernels().rms_norm(task, device_->stream());
}

void DeviceDecoder::normalize_last(const float* x, std::size_t n_rows) {
  kernels::cuda::NormTask task;
  task.x = x;
  task.weight = weights_.final_norm.as<const float>();
  task.y = buffers_->final_hidden.data();
  task.n_rows = static_cast<int>(n_rows);
  task.width = static_cast<int>(config_.hidden);
  task.epsilon = config_.norm_epsilon;
  task.float_out = true;
  device_->kernels().rms_norm(task, device_->stream());
}

void DeviceDecoder::run_mlp(const DeviceLayer& layer, float* hidden, std::size_t n_rows) {
  Buffers& b = *buffers_;
  const bool arranges =
      !transforms_.gated.is_on() && layer.down.takes_arranged(*device_, n_rows, fixed_order());
  const bool is_gelu = config_.activation == ops::GateActivation::kGeluTanh;
  multiply_normed(layer.gate_up,
                  hidden,
                  layer.mlp_norm,
                  n_rows,
                  {b.gated.data(),
                   config_.intermediate,
                   is_gelu ? Epilogue::kGatedGelu : Epilogue::kGatedSilu,
                   arranges});
  transforms_.gated.apply(*device_, b.gated.data(), n_rows, config_.intermediate);
  add_branch(layer.down,
             ops::DeviceRows{b.gated.data(), n_rows, config_.intermediate, arranges},
             layer.output_norm,
             hidden);
}

void DeviceDecoder::run_layers(const BatchPlan& plan) {
  Buffers& b = *buffers_;
  const auto& k = device_->kernels();
  const int width = static_cast<int>(config_.hidden);
  k.embed(batch_.view(),
          weights_.embedding.data(),
          config_.embedding_scale,
          b.hidden.as<float>(),
          width,
          device_->stream());
  float* hidden = b.hidden.as<float>();
  std::size_t n_rows = plan.tokens.size();
  LayerStream* const stream = weights_.stream.get();
  if (stream != nullptr) {
    stream->begin_pass();
  }
  for (std::size_t i = 0; i < weights_.layers.size(); ++i) {
    if (stream != nullptr) {
      stream->begin_layer(i);
    }
    run_attention(weights_.layers[i], i, plan);
    if (i + 1 == weights_.layers.size() && plan.wanted.size() < n_rows) {
      n_rows = plan.wanted.size();
      if (n_rows == 0) {
        return;
      }
      hidden = b.narrowed.as<float>();
      k.gather(b.hidden.as<float>(),
               batch_.wanted(),
               hidden,
               static_cast<int>(n_rows),
               width,
               device_->stream());
    }
    run_mlp(weights_.layers[i], hidden, n_rows);
    if (stream != nullptr) {
      stream->end_layer(i);
    }
  }
  normalize_last(hidden, n_rows);
}

void DeviceDecoder::queue(const BatchPlan& plan, bool is_greedy) {
  run_layers(plan);
  if (is_greedy) {
    Buffers& b = *buffers_;
    const std::size_t n = plan.tokens.size();
    apply_head(n);
    kernels::cuda::ScoreTask task;
    task.logits = reinterpret_cast<const float*>(scratch(b.logits, 0));
    task.n_rows = static_cast<int>(n);
    task.vocab = static_cast<int>(config_.vocab);
    task.best = reinterpret_cast<std::int32_t*>(scratch(b.best, n * sizeof(std::int32_t)));
    device_->kernels().scores(task, device_->stream());
    device_->kernels().advance(
        task.best, batch_.tokens(), batch_.positions(), task.n_rows, device_->stream());
  }
}

void* DeviceDecoder::graph_for(const BatchPlan& plan, const GraphKey& key) {
  const auto found = graphs_.find(key);
  if (found != graphs_.end()) {
    return found->second;
  }
  void* graph = nullptr;
  const auto& runtime = device_->runtime();
  const char* problem = runtime.begin_capture(device_->stream());
  if (problem == nullptr) {
    queue(plan, key.is_greedy);
    problem = runtime.end_capture(device_->stream(), &graph);
  }
  if (problem != nullptr) {
    raise(ErrorCode::kDevice, "{}: recording a pass: {}", device_->name(), problem);
  }
  graphs_.emplace(key, graph);
  return graph;
}

void DeviceDecoder::run(const BatchPlan& plan, bool is_greedy) {
  const std::size_t n = plan.first_page.size();
  const bool is_recorded =
      probes_ == nullptr && plan.is_decode && n <= kMostRecorded && plan.wanted.size() == n;
  if (!is_recorded) {
    queue(plan, is_greedy);
    device_->check("a forward pass");
    return;
  }
  if (recorded_at_ != batch_.address()) {
    forget_graphs();
    recorded_at_ = batch_.address();
  }
  const GraphKey key = graph_key(plan, is_greedy);
  if (graphs_.find(key) == graphs_.end()) {
    queue(plan, is_greedy);  // once as it comes: memory grows and modules load
    if (is_greedy) {
      return;  // the next step is recorded
    }
    device_->check("a forward pass");
    static_cast<void>(graph_for(plan, key));
    return;
  }
  if (const char* problem = device_->runtime().launch_graph(graphs_.at(key), device_->stream())) {
    raise(ErrorCode::kDevice, "{}: a recorded pass: {}", device_->name(), problem);
  }
}

void DeviceDecoder::use_cache(const KvCache& cache) {
  if (kv_.use(*device_, config_, cache)) {
    forget_graphs();
  }
}

void DeviceDecoder::forward(std::span<const SequenceChunk> chunks,
                            KvCache& cache,
                            std::span<const std::uint32_t> wanted,
                            MatrixView<float> hidden) {
  check_forward(config_, chunks, wanted, hidden);
  if (chunks.empty()) {
    return;
  }
  check_cache(cache);
  cancel_flag().check();
  const PackedBatch checked(chunks, cache);  // no empty chunk, no sequence twice
  CacheGrowth growth(cache, chunks);
  use_cache(cache);
  need_rows(checked.n_rows());
  const bool is_decode = checked.n_rows() == chunks.size();
  PlanShape shape{.is_wide = !is_decode && !fixed_order()};
  BatchPlan plan = plan_batch(config_, chunks, cache, wanted, shape);
  if (is_decode) {
    shape.page_room = std::bit_ceil(plan.most_pages);
    plan = plan_batch(config_, chunks, cache, wanted, shape);
  }
  batch_.upload(*device_, plan);
  probes_ = std::make_unique<DeviceProbes>(config_, chunks, checked, *device_);
  if (probes_->empty()) {
    probes_.reset();
  } else {
    check_probes(config_, cache);
  }
  run(plan, false);
  if (hidden.rows > 0) {
    const std::size_t line = config_.hidden * sizeof(float);
    std::byte* const staging = buffers_->need_staging(*device_, hidden.rows * line);
    device_->download(buffers_->final_hidden.data(), staging, hidden.rows * line);
    for (std::size_t row = 0; row < hidden.rows; ++row) {
      std::memcpy(hidden.row(row), staging + row * line, line);
    }
  } else {
    device_->synchronize();
  }
  if (probes_ != nullptr) {
    probes_->keep();
    probes_.reset();
  }
  growth.keep();
}

std::vector<std::int32_t> DeviceDecoder::decode(std::span<const SequenceChunk> first,
                                                KvCache& cache,
                                                std::size_t n_steps) {
  std::vector<std::uint32_t> wanted(first.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    wanted[i] = static_cast<std::uint32_t>(i);
    NIBBLE_CHECK(first[i].tokens.size() == 1, "decode: one token for each sequence");
  }
  NIBBLE_CHECK(first.size() <= kMostRecorded, "decode: too many sequences");
  check_cache(cache);
  probes_.reset();
  use_cache(cache);
  need_rows(first.size());
  // Room for all that comes, at once: the first token still sees what the cache keeps for it.
  const std::vector<std::int32_t> room(n_steps);
  std::vector<SequenceChunk> grown(first.begin(), first.end());
  for (SequenceChunk& chunk : grown) {
    chunk.tokens = room;
  }
  CacheGrowth growth(cache, grown);
  PlanShape shape{.is_wide = false, .page_room = 0};
  shape.page_room = std::bit_ceil(plan_batch(config_, first, cache, wanted, shape).most_pages);
  BatchPlan plan = plan_batch(config_, first, cache, wanted, shape);
  for (std::int32_t& position : plan.positions) {
    position -= static_cast<std::int32_t>(n_steps - 1);
  }
  batch_.upload(*device_, plan);
  const ops::DeviceBuffer kept = device_->allocate(n_steps * first.size() * sizeof(std::int32_t));
  for (std::size_t step = 0; step < n_steps; ++step) {
    if (step % 64 == 0) {
      cancel_flag().check();
    }
    run(plan, true);
    if (step == 0) {
      device_->synchronize();
      static_cast<void>(graph_for(plan, graph_key(plan, true)));
    }
    const std::size_t line = first.size() * sizeof(std::int32_t);
    device_->copy(batch_.tokens(), kept.data() + step * line, line);
  }
  std::vector<std::int32_t> out(n_steps * first.size());
  device_->download(kept.data(), out.data(), kept.size());
  device_->check("decoding");
  growth.keep();
  return out;
}

}  // namespace nibble::model
