/// A decoder of the Llama family, or Gemma 3, on a GPU, behind the same interface as those of the
/// host.
///
///   x += attention(norm(x));   x += mlp(norm(x))
///
/// with norms behind both branches, too, where the architecture has them.
/// Rotations and rounding of activations are those of the model's runtime (model/runtime.h). Passes
/// of one token a sequence (decoding) are recorded once as a graph and replayed; keys and
/// values, as binary16 or coded, lie in pages of the device, which the sequences of one cache share
/// as they do on the host. Layers that lie in the host's memory are copied in passing
/// (layer_stream.h), recorded like the rest: the numbers are those of a model that lies on the
/// device.
///
/// Precision  the stream between layers is float32, what enters a product binary16, sums float32.
///            `deterministic`: one kernel for any number of tokens, so that a row's bits do not
///            depend on its company; `native`: the fastest for each number
/// Threads    one call at a time
/// Errors     those of LanguageModel and Device; kUnsupported for a cache of float32, and for
///            probes over coded keys
/// Source     modeling_llama.py and modeling_gemma3.py of the Transformers library; our own
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "model/device/batch.h"
#include "model/device/kv_pages.h"
#include "model/device/weights.h"
#include "model/language_model.h"
#include "ops/device/transform.h"

namespace nibble::model {

class DeviceProbes;

class DeviceDecoder final : public LanguageModel {
 public:
  /// `pool` must outlive it.
  DeviceDecoder(const ModelConfig& config,
                Arithmetic arithmetic,
                DeviceWeights weights,
                std::shared_ptr<ops::Device> device,
                ThreadPool& pool);
  ~DeviceDecoder() override;

  [[nodiscard]] const ModelConfig& config() const noexcept override { return config_; }
  [[nodiscard]] Arithmetic arithmetic() const noexcept override { return arithmetic_; }
  [[nodiscard]] ThreadPool& pool() const noexcept override { return pool_; }
  [[nodiscard]] std::size_t weight_bytes() const noexcept override { return weights_.n_bytes(); }
  [[nodiscard]] std::string device() const override { return device_->name(); }
  [[nodiscard]] std::size_t host_weight_bytes() const noexcept override;
  [[nodiscard]] std::optional<std::size_t> most_device_bytes() const override {
    return device_->most_bytes();
  }
  /// What is free on the device beside the work of a pass.
  [[nodiscard]] std::size_t cache_budget() const override;

  void forward(std::span<const SequenceChunk> chunks,
               KvCache& cache,
               std::span<const std::uint32_t> wanted,
               MatrixView<float> hidden) override;
  void head(MatrixView<const float> hidden, MatrixView<float> logits) override;
  void score(MatrixView<const float> hidden,
             std::span<const ops::RowTarget> targets,
             std::span<ops::TokenScore> scores) override;

  /// Greedy decoding that stays on the device: `n_steps` tokens behind `first` of each sequence,
  /// [step][sequence]. For measurements: nothing ends it early.
  std::vector<std::int32_t> decode(std::span<const SequenceChunk> first,
                                   KvCache& cache,
                                   std::size_t n_steps);

 protected:
  [[nodiscard]] std::shared_ptr<PageMemory> page_memory() const override { return pages_; }

 private:
  /// The buffers of a pass, for as many rows as any pass so far had.
  struct Buffers;
  /// What the runtime of the model does to activations: to the heads of queries and keys, and to
  /// what products read behind norms, behind attention and behind gates.
  struct Transforms {
    Transforms(ops::Device& device, const ModelConfig& config);
    ops::DeviceTransform heads, normed, attended, gated;
  };
  /// A recorded pass, by its sequences, the room for their pages, and what it ends with.
  struct GraphKey {
    std::size_t n_sequences;
    std::size_t page_room;
    bool is_greedy;
    const codec::KvScheme* scheme;
    auto operator<=>(const GraphKey&) const = default;
  };

  void run_layers(const BatchPlan& plan);
  void run_attention(const DeviceLayer& layer, std::size_t index, const BatchPlan& plan);
  [[nodiscard]] kernels::cuda::RopeTask rope_task(const DeviceLayer& layer, std::size_t index);
  kernels::cuda::AttentionTask attention_task(const DeviceLayer& layer,
                                              std::size_t index,
                                              const BatchPlan& plan);
  /// Whether the kernels for pages of binary16 do what this model and cache ask for.
  [[nodiscard]] bool attends_plainly() const noexcept;
  /// RoPE, storing and attention by the kernels for pages of any kind.
  void attend_pages(kernels::cuda::RopeTask rope,
                    const kernels::cuda::AttentionTask& task,
                    const DeviceLayer& layer,
                    std::size_t index);
  void run_mlp(const DeviceLayer& layer, float* hidden, std::size_t n_rows);
  /// A product of normed rows, which are rounded in between where the runtime says so.
  void multiply_normed(const ops::DeviceLinear& linear,
                       const float* x,
                       const ops::DeviceBuffer& norm,
                       std::size_t n_rows,
                       const ops::DeviceOutput& y);
  /// hidden += linear x, behind a norm where there is one.
  void add_branch(const ops::DeviceLinear& linear,
                  const ops::DeviceRows& x,
                  const ops::DeviceBuffer& norm,
                  float* hidden);
  void normalize_last(const float* x, std::size_t n_rows);
  /// Logits of the first rows of the final hidden states.
  void apply_head(std::size_t n_rows);
  void upload_hidden(MatrixView<const float> hidden);
  void score_rows(std::span<const std::int32_t> tokens,
                  std::span<const std::int32_t> rows,
                  std::size_t n_rows,
                  std::span<ops::TokenScore> scores);
  void need_rows(std::size_t n_rows);
  std::byte* scratch(ops::DeviceScratch& which, std::size_t n_bytes);
  /// Queues the pass that was uploaded; a recorded one where it may be.
  void run(const BatchPlan& plan, bool is_greedy);
  void queue(const BatchPlan& plan, bool is_greedy);
  /// Before a pass: what the kernels know of its pages.
  void use_cache(const KvCache& cache);
  [[nodiscard]] GraphKey graph_key(const BatchPlan& plan, bool is_greedy) const {
    const std::size_t n = plan.first_page.size();
    return {n, plan.pages.size() / n, is_greedy, &kv_.scheme()};
  }
  void forget_graphs();
  void* graph_for(const BatchPlan& plan, const GraphKey& key);
  [[nodiscard]] bool fixed_order() const noexcept {
    return arithmetic_ == Arithmetic::kDeterministic;
  }

  ModelConfig config_;
  Arithmetic arithmetic_;
  std::shared_ptr<ops::Device> device_;
  DeviceWeights weights_;
  ThreadPool& pool_;
  Transforms transforms_;
  std::shared_ptr<PageMemory> pages_;
  DeviceBatch batch_;
  DeviceKvPages kv_;
  std::unique_ptr<Buffers> buffers_;
  std::unique_ptr<DeviceProbes> probes_;  ///< what the pass under way measures, if it does
  std::map<GraphKey, void*> graphs_;
  const std::byte* recorded_at_ = nullptr;  ///< the block that the graphs read
};

}  // namespace nibble::model
