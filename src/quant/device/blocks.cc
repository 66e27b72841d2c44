#include "quant/device/blocks.h"

#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/cancel.h"
#include "model/device/weights.h"
#include "quant/device_solver.h"

namespace nibble::quant {
namespace {

double gibibytes_of(std::size_t n_bytes) {
  return static_cast<double>(n_bytes) / (1024.0 * 1024.0 * 1024.0);
}

/// The job's tokens, once there is room for them.
DeviceWalk make_walk(const BlockJob& job, BlockTokens tokens) {
  const std::size_t needed = DeviceWalk::bytes_needed(job.config, tokens.size(), tokens.window());
  const std::size_t free = job.device->free_bytes();
  if (needed > free) {
    raise(ErrorCode::kOutOfMemory,
          "{}: calibrated quantization on {} needs {:.1f} GiB there, {:.1f} GiB are free; fewer "
          "calibration tokens need less",
          job.checkpoint.path().string(),
          job.device->name(),
          gibibytes_of(needed),
          gibibytes_of(free));
  }
  return {*job.device, job.config, std::move(tokens)};
}

}  // namespace

Result<void> check_device_plan(const Plan& plan, const model::ModelConfig& config) {
  if (!plan.recipe->looks_at_inputs()) {
    return {};
  }
  for (const TransformStage& stage : plan.recipe->transforms) {
    if (stage.transform->looks_at_inputs()) {
      return fail(ErrorCode::kUnsupported,
                  "transform '{}' does not run on a device yet; --device cpu does it",
                  stage.method);
    }
  }
  if (plan.recipe->correction != nullptr) {
    return fail(ErrorCode::kUnsupported,
                "corrections of biases do not run on a device yet; --device cpu does them");
  }
  for (const SolveStage& stage : plan.recipe->stages) {
    if (!stage.needs.any()) {
      continue;
    }
    const DeviceSolver* solver = stage.solver->device_solver();
    if (solver == nullptr) {
      return fail(ErrorCode::kUnsupported,
                  "method '{}' does not run on a device yet; --device cpu does it",
                  stage.method);
    }
    if (auto able = solver->check_device(); !able) {
      return able;
    }
  }
  return model::check_device_support(config, Arithmetic::kNative);
}

SolvedOnDevice solve_weight_on(ops::Device& device,
                               const PlanRow& row,
                               const DeviceMatrix& weight,
                               DeviceMoment* moment,
                               ThreadPool& pool) {
  const DeviceSolver* solver = row.stage->solver->device_solver();
  if (solver == nullptr) {
    std::vector<float> values(weight.size());
    device.download(weight.data(), values.data(), values.size() * sizeof(float));
    return {solve_weight(row, {.weight = {values.data(), weight.rows, weight.cols}}, pool), {}};
  }
  const auto start = std::chrono::steady_clock::now();
  DeviceSolved solved = solver->solve_on(device, {weight, moment}, *row.codec);
  const SquaredError error = squared_error(device, weight, solved.codes);
  if (!std::isfinite(error.difference)) {
    raise(ErrorCode::kUnsupported,
          "{}: the weights are too large for codec {} (the decoded values are not finite)",
          row.weight,
          row.codec->name());
  }
  codec::EncodedMatrix matrix = download_codes(device, solved.codes);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  WeightReport report{row.weight,
                      row.target_codec,
                      error.difference,
                      error.weight,
                      elapsed.count(),
                      std::move(solved.facts)};
  return {{std::move(matrix), std::move(report)}, std::move(solved.codes)};
}

DeviceBlocks::DeviceBlocks(const BlockJob& job,
                           BlockTokens tokens,
                           ThreadPool& pool,
                           ProgressSink& progress)
    : job_(job), pool_(pool), progress_(progress), walk_(make_walk(job, std::move(tokens))) {}

bool DeviceBlocks::wants_moment(Site site, std::size_t layer) const {
  for (const std::string_view name : linears_at(site)) {
    const PlanRow* row = job_.row_of(layer, name);
    if (row != nullptr && row->stage->needs.second_moment) {
      return true;
    }
  }
  return false;
}

void DeviceBlocks::run_block(std::size_t layer, io::CheckpointWriter& writer, Json& reports) {
  DeviceBlock block(job_.checkpoint, job_.config, layer, *job_.device, pool_);
  const auto solve = [&](Site site, DeviceMoment* moment) {
    for (const std::string_view name : linears_at(site)) {
      const PlanRow* row = job_.row_of(layer, name);
      if (row == nullptr) {
        continue;
      }
      cancel_flag().check();
      if (moment != nullptr) {
        moment->require_finite(row->weight);
      }
      const auto [solved, codes] =
          solve_weight_on(*job_.device, *row, block.original(name), moment, pool_);
      writer.add_tensor(row->weight, solved.matrix).take();
      reports.push_back(weight_report_json(solved.report));
      if (feeds_quantized()) {
        block.set_weight(name,
                         codes ? decode_codes(*job_.device, *codes)
                               : upload_matrix(*job_.device, solved.matrix, pool_));
      }
      progress_.advance(row->rows * row->cols);
    }
  };
  walk_.run(
      block, [&](Site site) { return wants_moment(site, layer); }, solve);
}

void DeviceBlocks::repeat_block(
    std::size_t layer, FunctionRef<std::optional<codec::EncodedMatrix>(const PlanRow&)> find) {
  DeviceBlock block(job_.checkpoint, job_.config, layer, *job_.device, pool_);
  for (const PlanRow& row : job_.plan.rows) {
    if (row.layer != static_cast<int>(layer)) {
      continue;
    }
    if (const auto made = find(row); made && feeds_quantized()) {
      block.set_weight(DecoderBlock::short_name(row.weight),
                       upload_matrix(*job_.device, *made, pool_));
    }
    progress_.advance(row.is_kept() ? 0 : row.rows * row.cols);
  }
  walk_.pass(block);
}

}  // namespace nibble::quant
