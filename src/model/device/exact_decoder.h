/// A decoder of the Llama family on a GPU in `f32` arithmetic: the host's formulas in float32, for
/// comparison, not for speed.
///
///   x += attention(norm(x));   x += mlp(norm(x))
///
/// Nothing is recorded or fused, and every step is one plain kernel (kernels/cuda/exact/exact.h).
///
/// Precision  float32 throughout, keys and values too; log-sums of scores are the host's, float64
/// Threads    one call at a time
/// Errors     those of LanguageModel and Device; kUnsupported for keys and values that are not
///            float32
/// Source     modeling_llama.py of the Transformers library; docs/decisions/0043-f32-on-a-device.md
#pragma once

#include <memory>

#include "base/progress.h"
#include "model/device/batch.h"
#include "model/device/exact_weights.h"
#include "model/language_model.h"

namespace nibble::model {

class DeviceProbes;

class ExactDecoder final : public LanguageModel {
 public:
  /// `pool` must outlive it.
  ExactDecoder(const ModelConfig& config,
               ExactWeights weights,
               std::shared_ptr<ops::Device> device,
               ThreadPool& pool);
  ~ExactDecoder() override;

  [[nodiscard]] const ModelConfig& config() const noexcept override { return config_; }
  [[nodiscard]] Arithmetic arithmetic() const noexcept override { return Arithmetic::kF32; }
  [[nodiscard]] ThreadPool& pool() const noexcept override { return pool_; }
  [[nodiscard]] std::size_t weight_bytes() const noexcept override { return weights_.n_bytes(); }
  [[nodiscard]] std::string device() const override { return device_->name(); }

  void forward(std::span<const SequenceChunk> chunks,
               KvCache& cache,
               std::span<const std::uint32_t> wanted,
               MatrixView<float> hidden) override;
  void head(MatrixView<const float> hidden, MatrixView<float> logits) override;
  void score(MatrixView<const float> hidden,
             std::span<const ops::RowTarget> targets,
             std::span<ops::TokenScore> scores) override;

 protected:
  [[nodiscard]] std::shared_ptr<PageMemory> page_memory() const override { return pages_; }

 private:
  void run_layers(const BatchPlan& plan, DeviceProbes& probes);
  void run_attention(const ExactLayer& layer, std::size_t index, DeviceProbes& probes);
  void run_mlp(const ExactLayer& layer, float* x, std::size_t n_rows);
  void normalize(const float* x,
                 const ops::DeviceBuffer& weight,
                 std::size_t n_rows,
                 ops::DeviceScratch& out);
  /// y = x w^T, or y += x w^T.
  void multiply(
      const ExactMatrix& w, const float* x, float* y, std::size_t n_rows, bool adds = false);
  /// A scratch of floats [n_rows][width].
  float* floats(ops::DeviceScratch& which, std::size_t n_rows, std::size_t width);
  void download(const float* from, MatrixView<float> to);

  ModelConfig config_;
  std::shared_ptr<ops::Device> device_;
  const kernels::cuda::ExactKernels& kernels_;
  ExactWeights weights_;
  ThreadPool& pool_;
  std::shared_ptr<PageMemory> pages_;
  DeviceBatch batch_;
  ops::DeviceScratch hidden_, narrowed_, normed_, qkv_, attended_, gate_up_, gated_, final_,
      logits_;
};

/// Throws Error: kOutOfMemory before work begins when the weights do not fit.
std::unique_ptr<LanguageModel> build_exact_decoder(const io::Checkpoint& checkpoint,
                                                   const ModelConfig& config,
                                                   std::shared_ptr<ops::Device> device,
                                                   ThreadPool& pool,
                                                   ProgressSink& progress);

}  // namespace nibble::model
