/// Runs calibrated methods through a model, one decoder block in memory at a time.
///
/// Each finished block becomes a folder "block-0007" in the job's folder, in the format of
/// checkpoints. A run that finds folders there goes on behind the last of them, running the stored
/// blocks again to get the inputs of the next one.
///
/// Precision  activations in float32
/// Threads    equal results for any number of threads
/// Errors     those of checkpoints and methods; kUnsupported for activations that are not finite;
///            kOutOfMemory before work begins; kCancelled between weights, the blocks done kept
/// Source     our own
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/progress.h"
#include "base/thread_pool.h"
#include "io/checkpoint.h"
#include "model/config.h"
#include "ops/device/device.h"
#include "quant/calibrate/block_tokens.h"
#include "quant/calibrate/decoder_block.h"
#include "quant/calibrate/input_statistics.h"
#include "quant/calibrate/windows.h"
#include "quant/plan.h"
#include "quant/solve_weight.h"

namespace nibble::quant {

/// What a run borrows.
struct BlockJob {
  const io::Checkpoint& checkpoint;
  const model::ModelConfig& config;
  const Plan& plan;
  const CalibrationWindows& windows;
  std::filesystem::path folder;   ///< of the job; created, and not removed
  ops::Device* device = nullptr;  ///< where blocks run and methods solve; nullptr: the host

  /// The plan's row of a weight of a block that gets a new codec; nullptr for any other.
  [[nodiscard]] const PlanRow* row_of(std::size_t layer, std::string_view short_name) const;
};

class DeviceBlocks;

class BlockRun {
 public:
  BlockRun(const BlockJob& job, ThreadPool& pool, ProgressSink& progress);
  ~BlockRun();

  /// All blocks, in order.
  void run();

  /// The weight as the run has made it, norms as they are applied; nothing for a weight that it
  /// left alone.
  [[nodiscard]] std::optional<codec::EncodedMatrix> find(const PlanRow& row) const;
  /// Reports of the weights quantized, block by block in the order of the sites.
  [[nodiscard]] std::vector<WeightReport> reports() const;

 private:
  struct Finished {
    std::unique_ptr<io::Checkpoint> files;
    std::vector<WeightReport> reports;
  };
  /// A block on its way to its folder.
  struct Output;
  /// The block before anything is quantized, and the tokens that have only seen original blocks.
  struct Companion {
    DecoderBlock block;
    BlockTokens tokens;
  };

  void require_enough_memory() const;
  [[nodiscard]] DecoderBlock load(std::size_t layer) const;
  void run_block(std::size_t layer);
  void run_block_on_host(std::size_t layer, Output& output);
  void transform(DecoderBlock& block, std::size_t layer, Output& output);
  /// The companion of a transformed block, where a method in the layer wants one.
  [[nodiscard]] std::optional<Companion> make_companion(const DecoderBlock& block,
                                                        std::size_t layer) const;
  /// Quantizes what the plan wants of a block while `tokens` flow through it, and out of it where a
  /// later block reads them.
  void solve(DecoderBlock& block,
             std::size_t layer,
             BlockTokens& tokens,
             std::optional<Companion>& companion,
             Output& output);
  /// Leaves the tokens at the last site.
  void solve_by_site(DecoderBlock& block,
                     std::size_t layer,
                     BlockTokens& tokens,
                     std::optional<Companion>& companion,
                     Output& output);
  void solve_at(Site site,
                std::size_t layer,
                const InputStatistics& inputs,
                DecoderBlock& block,
                Output& output);
  /// The weights of the layer whose methods solve for them together.
  [[nodiscard]] std::vector<const PlanRow*> solved_together(std::size_t layer) const;
  /// Solves for the rows of one stage after the other, while `tokens` are at the entrance.
  void solve_together(std::span<const PlanRow* const> rows,
                      DecoderBlock& block,
                      BlockTokens& tokens,
                      Output& output);
  void solve_stage(std::span<const PlanRow* const> rows,
                   DecoderBlock& block,
                   BlockTokens& tokens,
                   std::vector<WeightReport>& reports,
                   Output& output);
  /// The recipe's correction of a layer whose weight will be `quantized`, where it has a bias.
  void correct(const PlanRow& row,
               std::span<const float> quantized,
               const InputStatistics& inputs,
               DecoderBlock& block,
               Output& output,
               WeightReport& report);
  /// Whether it will change this weight of the block.
  [[nodiscard]] bool is_corrected(const model::WeightInfo& weight) const;
  void advance_originals(std::size_t layer);
  [[nodiscard]] std::size_t n_solved(std::size_t layer) const;
  void repeat_block(std::size_t layer);
  /// The tokens become the block's output.
  static void pass(DecoderBlock& block, BlockTokens& tokens);
  /// The same for tokens that have reached the last site.
  static void leave(DecoderBlock& block, BlockTokens& tokens);
  /// What the weights read at a site need together.
  [[nodiscard]] Needs needs_at(Site site, std::size_t layer) const;
  /// Whether a stage wants what the original blocks make of the tokens.
  [[nodiscard]] bool wants_originals() const;
  [[nodiscard]] bool feeds_quantized() const {
    return job_.plan.recipe->calibration->inputs == BlockInputs::kQuantized;
  }
  /// Nobody reads what the last block makes of the tokens.
  [[nodiscard]] bool is_last(std::size_t layer) const { return layer + 1 == job_.config.n_layers; }
  [[nodiscard]] std::filesystem::path block_folder(std::size_t layer) const;
  [[nodiscard]] Finished open_block(std::size_t layer) const;

  BlockJob job_;
  ThreadPool& pool_;
  ProgressSink& progress_;
  BlockTokens tokens_;  ///< at the entrance of the next block
  /// Those that only original blocks have seen: at the exit of this block while it is solved for.
  std::optional<BlockTokens> originals_;
  std::unique_ptr<DeviceBlocks> device_;  ///< instead of the tokens above, where there is a device
  std::vector<Finished> finished_;
};

}  // namespace nibble::quant
