#include "quant/device/blocks.h"

#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/cancel.h"
#include "codec/dense.h"
#include "model/device/weights.h"
#include "quant/device_solver.h"
#include "quant/device_transform.h"

namespace nibble::quant {
namespace {

double gibibytes_of(std::size_t n_bytes) {
  return static_cast<double>(n_bytes) / (1024.0 * 1024.0 * 1024.0);
}

/// The job's tokens, once there is room for them.
DeviceWalk make_walk(const BlockJob& job, BlockTokens tokens) {
  const std::size_t needed = DeviceWalk::bytes_needed(
      job.config, tokens.size(), tokens.window(), job.plan.recipe->rewrites_blocks());
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

/// Whether a method that looks at inputs runs on a device.
Result<void> check_device_stage(const SolveStage& stage, const Recipe& recipe) {
  const DeviceSolver* solver = stage.solver->device_solver();
  if (solver == nullptr) {
    return fail(ErrorCode::kUnsupported, "method '{}' does not run on a device yet", stage.method);
  }
  if (auto able = solver->check_device(); !able) {
    return able;
  }
  if (recipe.rewrites_blocks() && recipe.calibration->inputs == BlockInputs::kOriginal) {
    return fail(ErrorCode::kUnsupported,
                "transforms before method '{}' with inputs = \"original\" do not run on a device "
                "yet",
                stage.method);
  }
  return {};
}

}  // namespace

Result<void> check_device_plan(const Plan& plan, const model::ModelConfig& config) {
  if (!plan.recipe->looks_at_inputs()) {
    return {};
  }
  for (const TransformStage& stage : plan.recipe->transforms) {
    if (stage.transform->looks_at_inputs() && stage.transform->device_transform() == nullptr) {
      return fail(
          ErrorCode::kUnsupported, "transform '{}' does not run on a device yet", stage.method);
    }
  }
  if (plan.recipe->correction != nullptr) {
    return fail(ErrorCode::kUnsupported, "corrections of biases do not run on a device yet");
  }
  for (const SolveStage& stage : plan.recipe->stages) {
    if (stage.needs.any()) {
      if (auto able = check_device_stage(stage, *plan.recipe); !able) {
        return able;
      }
    }
  }
  if (!config.runtime.is_plain()) {
    return fail(ErrorCode::kUnsupported,
                "models with rotations or rounded activations are not quantized on a device yet");
  }
  return model::check_device_support(config, Arithmetic::kNative);
}

bool is_solved_on_device(const PlanRow& row) {
  if (row.is_kept()) {
    return false;
  }
  const DeviceSolver* const solver = row.stage->solver->device_solver();
  return solver != nullptr && solver->takes(*row.codec);
}

SolvedOnDevice solve_weight_on(ops::Device& device,
                               const PlanRow& row,
                               const DeviceMatrix& weight,
                               DeviceMoment* moment,
                               ThreadPool& pool) {
  if (!is_solved_on_device(row)) {
    std::vector<float> values(weight.size());
    device.download(weight.data(), values.data(), values.size() * sizeof(float));
    return {solve_weight(row, {.weight = {values.data(), weight.rows, weight.cols}}, pool), {}};
  }
  const auto start = std::chrono::steady_clock::now();
  DeviceSolved solved =
      row.stage->solver->device_solver()->solve_on(device, {weight, moment}, *row.codec);
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

void DeviceBlocks::transform(DeviceBlock& block, std::size_t layer, io::CheckpointWriter& writer) {
  const DeviceTransformInput input{
      *job_.device,
      block,
      walk_,
      [&](std::string_view name) -> std::shared_ptr<const codec::Codec> {
        const PlanRow* row = job_.row_of(layer, name);
        return row == nullptr ? nullptr : row->codec;
      }};
  for (const TransformStage& stage : job_.plan.recipe->transforms) {
    if (stage.transform->looks_at_inputs()) {
      stage.transform->device_transform()->apply_on(input);
    }
  }
  for (const auto& [name, values] : block.rewritten()) {
    if (job_.row_of(layer, name) != nullptr) {
      continue;
    }
    std::vector<float> kept(values.size());
    job_.device->download(values.data(), kept.data(), kept.size() * sizeof(float));
    const Tensor tensor = Tensor::from<float>(DType::kF32, {values.rows, values.cols}, kept);
    writer.add_tensor(fmt::format("model.layers.{}.{}", layer, name), codec::dense_matrix(tensor))
        .take();
  }
}

void DeviceBlocks::solve_at(Site site,
                            std::size_t layer,
                            DeviceBlock& block,
                            DeviceMoment* moment,
                            io::CheckpointWriter& writer,
                            Json& reports) {
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
        solve_weight_on(*job_.device, *row, block.weight(name), moment, pool_);
    writer.add_tensor(row->weight, solved.matrix).take();
    reports.push_back(weight_report_json(solved.report));
    if (feeds_quantized()) {
      block.set_weight(name,
                       codes ? decode_codes(*job_.device, *codes)
                             : upload_matrix(*job_.device, solved.matrix, pool_));
    }
    progress_.advance(row->rows * row->cols);
  }
}

void DeviceBlocks::run_block(std::size_t layer, io::CheckpointWriter& writer, Json& reports) {
  DeviceBlock block(job_.checkpoint, job_.config, layer, *job_.device, pool_);
  const auto solve = [&](Site site, DeviceMoment* moment) {
    solve_at(site, layer, block, moment, writer, reports);
  };
  const bool rewrites = job_.plan.recipe->rewrites_blocks();
  if (rewrites) {
    transform(block, layer, writer);
  }
  if (rewrites && !feeds_quantized()) {  // no method looks at inputs: check_device_plan
    for (const Site site : kSites) {
      solve(site, nullptr);
    }
    DeviceBlock original(job_.checkpoint, job_.config, layer, *job_.device, pool_);
    walk_.pass(original);
    return;
  }
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
