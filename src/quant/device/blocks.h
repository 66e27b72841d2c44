/// Calibrated methods on a device, block after block; calibrate/block_run.h holds the files.
///
/// Precision  device/walk.h; weights decode on the device as they do on the host
/// Errors     kUnsupported before any work for methods, settings, transforms and architectures
///            without a device; kOutOfMemory with the sizes; those of Device
/// Source     our own
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/function_ref.h"
#include "io/checkpoint_writer.h"
#include "quant/calibrate/block_run.h"
#include "quant/device/walk.h"

namespace nibble::quant {

/// Whether a device can do all that the plan wants of blocks. Weights that no method looks at the
/// inputs for may have methods of the host.
Result<void> check_device_plan(const Plan& plan, const model::ModelConfig& config);

/// Whether the method that fills the row's codec runs on a device; else the host does it.
bool is_solved_on_device(const PlanRow& row);

struct SolvedOnDevice {
  SolvedWeight weight;
  std::optional<DeviceCodes> codes;  ///< where its method runs on a device
};

/// A weight on the device, solved there where its method can, else on the host.
SolvedOnDevice solve_weight_on(ops::Device& device,
                               const PlanRow& row,
                               const DeviceMatrix& weight,
                               DeviceMoment* moment,
                               ThreadPool& pool);

class DeviceBlocks {
 public:
  /// `job.device` is there.
  DeviceBlocks(const BlockJob& job, BlockTokens tokens, ThreadPool& pool, ProgressSink& progress);

  /// Quantizes what the plan wants of a block; its weights go to `writer`.
  void run_block(std::size_t layer, io::CheckpointWriter& writer, Json& reports);
  /// Takes the tokens through a block that is finished; `find` knows what became of its weights.
  void repeat_block(std::size_t layer,
                    FunctionRef<std::optional<codec::EncodedMatrix>(const PlanRow&)> find);

 private:
  [[nodiscard]] bool wants_moment(Site site, std::size_t layer) const;
  /// The recipe's transforms; weights that they change and that are kept go to `writer`.
  void transform(DeviceBlock& block, std::size_t layer, io::CheckpointWriter& writer);
  /// Quantizes the weights of a site.
  void solve_at(Site site,
                std::size_t layer,
                DeviceBlock& block,
                DeviceMoment* moment,
                io::CheckpointWriter& writer,
                Json& reports);
  /// The weights of the layer whose methods solve for them together.
  [[nodiscard]] std::vector<const PlanRow*> solved_together(std::size_t layer) const;
  void run_block_together(std::span<const PlanRow* const> rows,
                          std::size_t layer,
                          io::CheckpointWriter& writer,
                          Json& reports);
  /// Solves for rows of one stage, and puts the codes into the block.
  void solve_stage(std::span<const PlanRow* const> rows,
                   DeviceBlock& block,
                   std::vector<WeightReport>& reports,
                   io::CheckpointWriter& writer);
  /// Between the two streams.
  [[nodiscard]] double mean_square_difference() const;
  [[nodiscard]] bool feeds_quantized() const {
    return job_.plan.recipe->calibration->inputs == BlockInputs::kQuantized;
  }

  BlockJob job_;
  ThreadPool& pool_;
  ProgressSink& progress_;
  DeviceWalk walk_;
  /// The tokens that only original blocks have seen, where a method solves for whole blocks: at the
  /// exit of this block while it is solved for.
  std::optional<DeviceWalk> originals_;
};

}  // namespace nibble::quant
