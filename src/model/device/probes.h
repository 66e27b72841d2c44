/// The probed queries of one pass on a device: what attention_probes.h is on the host.
///
/// Each layer's masses are made behind its attention, of the queries and keys that it read, and
/// stay on the device until the pass is over.
///
/// Threads    one pass at a time
/// Errors     those of AttentionProbes and Device
/// Source     our own; kernels/cuda/mass.h
#pragma once

#include <span>
#include <vector>

#include "model/layers/attention_probes.h"
#include "ops/device/device.h"

namespace nibble::model {

class DeviceProbes {
 public:
  /// `batch` is made of the same chunks; `sum_masses` reads what the model keeps.
  DeviceProbes(const ModelConfig& config,
               std::span<const SequenceChunk> chunks,
               const PackedBatch& batch,
               ops::Device& device,
               kernels::cuda::SumMasses sum_masses = kernels::cuda::sum_masses());

  [[nodiscard]] bool empty() const noexcept { return probes_.empty(); }
  /// The masses of a layer. `is_turned`: rope_store has been there.
  void measure(const kernels::cuda::RopeTask& rope,
               const kernels::cuda::AttentionTask& attention,
               bool is_turned);
  /// The pass is over: what was measured counts.
  void keep();

 private:
  ops::Device& device_;
  kernels::cuda::SumMasses sum_masses_;
  AttentionProbes probes_;
  std::size_t row_size_ = 0;  ///< scores of a row in floats: heads times keys
  std::size_t n_keys_ = 0;
  std::vector<std::size_t> sizes_;  ///< floats of each row's masses
  ops::DeviceBuffer rows_, spans_, scores_, masses_;
};

}  // namespace nibble::model
