#include "quant/device/blocks.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/cancel.h"
#include "codec/dense.h"
#include "model/device/weights.h"
#include "quant/device_block_solver.h"
#include "quant/device_solver.h"
#include "quant/device_transform.h"

namespace nibble::quant {
namespace {

double gibibytes_of(std::size_t n_bytes) {
  return static_cast<double>(n_bytes) / (1024.0 * 1024.0 * 1024.0);
}

bool wants_originals(const Plan& plan) {
  return std::ranges::any_of(plan.recipe->stages,
                             [](const SolveStage& stage) { return stage.needs.block; });
}

/// Of the tokens and of what blocks and methods need beside them.
std::size_t bytes_of_job(const BlockJob& job, const BlockTokens& tokens) {
  const bool has_moments = std::ranges::any_of(
      job.plan.recipe->stages, [](const SolveStage& stage) { return stage.needs.second_moment; });
  const std::size_t walk =
      DeviceWalk::bytes_needed(job.config,
                               tokens.size(),
                               tokens.window(),
                               {.moments = has_moments || job.plan.recipe->rewrites_blocks(),
                                .transforms = job.plan.recipe->rewrites_blocks()});
  if (!wants_originals(job.plan)) {
    return walk;
  }
  // A second stream; methods of whole blocks work while the walk rests.
  const std::size_t stream = tokens.size() * job.config.hidden * sizeof(float);
  std::size_t block = 0;
  for (const model::WeightInfo& info : model::list_weights(job.config)) {
    block += info.layer == 0 ? info.rows * info.cols * 2 : 0;
  }
  std::size_t method = 0;
  for (const SolveStage& stage : job.plan.recipe->stages) {
    const DeviceSolver* const solver = stage.needs.block ? stage.solver->device_solver() : nullptr;
    method =
        solver == nullptr
            ? method
            : std::max(method,
                       solver->device_block_solver()->block_bytes(job.config, tokens.window()));
  }
  return std::max(walk + stream, 2 * stream + block + method);
}

/// The job's tokens, once there is room for them.
DeviceWalk make_walk(const BlockJob& job, BlockTokens tokens) {
  const std::size_t needed = bytes_of_job(job, tokens);
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
  if (stage.needs.block && solver->device_block_solver() == nullptr) {
    return fail(ErrorCode::kUnsupported, "method '{}' does not run on a device yet", stage.method);
  }
  if (stage.needs.block && !recipe.transforms.empty()) {
    return fail(ErrorCode::kUnsupported,
                "transforms before method '{}' do not run on a device yet",
                stage.method);
  }
  if (recipe.rewrites_blocks() && recipe.calibration->inputs == BlockInputs::kOriginal) {
    return fail(ErrorCode::kUnsupported,
                "transforms before method '{}' with inputs = \"original\" do not run on a device "
                "yet",
                stage.method);
  }
  return {};
}

/// Weights of one block by methods that look at whole blocks, and others that look at inputs.
Result<void> check_stages_together(const Recipe& recipe) {
  const SolveStage* together = nullptr;
  const SolveStage* by_site = nullptr;
  for (const SolveStage& stage : recipe.stages) {
    together = stage.needs.block ? &stage : together;
    by_site = !stage.needs.block && stage.needs.any() ? &stage : by_site;
  }
  if (together != nullptr && by_site != nullptr) {
    return fail(ErrorCode::kUnsupported,
                "method '{}' beside method '{}' does not run on a device yet",
                together->method,
                by_site->method);
  }
  return {};
}

/// Blocks here are those of Llama; a decoder on a device runs more.
Result<void> check_block_config(const model::ModelConfig& config) {
  if (!config.runtime.is_plain()) {
    return fail(ErrorCode::kUnsupported,
                "models with rotations or rounded activations are not quantized on a device yet");
  }
  const bool is_other = config.sandwich_norms || config.attention_softcap > 0 ||
                        config.embedding_scale != 1.0F || config.head_dim > 128 ||
                        config.n_heads / config.n_kv_heads > kernels::cuda::kNarrowRows;
  if (is_other) {
    return fail(ErrorCode::kUnsupported,
                "blocks of this model ({}) are not quantized on a device yet",
                config.architecture);
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
  if (auto able = check_stages_together(*plan.recipe); !able) {
    return able;
  }
  if (auto able = check_block_config(config); !able) {
    return able;
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

namespace {

/// What a method made of `weight`, with its report.
SolvedOnDevice report_solved_on(ops::Device& device,
                                const PlanRow& row,
                                const DeviceMatrix& weight,
                                DeviceSolved solved,
                                double seconds) {
  const SquaredError error = squared_error(device, weight, solved.codes);
  if (!std::isfinite(error.difference)) {
    raise(ErrorCode::kUnsupported,
          "{}: the weights are too large for codec {} (the decoded values are not finite)",
          row.weight,
          row.codec->name());
  }
  codec::EncodedMatrix matrix = download_codes(device, solved.codes);
  WeightReport report{row.weight,
                      row.target_codec,
                      error.difference,
                      error.weight,
                      seconds,
                      std::move(solved.facts),
                      std::move(solved.measures)};
  return {{std::move(matrix), std::move(report)}, std::move(solved.codes)};
}

}  // namespace

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
  SolvedOnDevice out = report_solved_on(device, row, weight, std::move(solved), 0);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  out.weight.report.seconds = elapsed.count();
  return out;
}

DeviceBlocks::DeviceBlocks(const BlockJob& job,
                           BlockTokens tokens,
                           ThreadPool& pool,
                           ProgressSink& progress)
    : job_(job), pool_(pool), progress_(progress), walk_(make_walk(job, std::move(tokens))) {
  if (wants_originals(job.plan)) {
    originals_.emplace(walk_.twin());
  }
}

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
    if (row->stage->needs.block) {
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

std::vector<const PlanRow*> DeviceBlocks::solved_together(std::size_t layer) const {
  std::vector<const PlanRow*> out;
  for (const Site site : kSites) {
    for (const std::string_view name : linears_at(site)) {
      const PlanRow* row = job_.row_of(layer, name);
      if (row != nullptr && row->stage->needs.block) {
        out.push_back(row);
      }
    }
  }
  std::ranges::stable_sort(out, {}, &PlanRow::stage);
  return out;
}

double DeviceBlocks::mean_square_difference() const {
  const std::size_t cols = job_.config.hidden;
  const ops::DeviceBuffer parts =
      job_.device->allocate((kernels::cuda::kPairParts + 1) * sizeof(double));
  double* const sum = parts.as<double>() + kernels::cuda::kPairParts;
  job_.device->clear(sum, sizeof *sum);
  awq_kernels().add_squared_distance({.a = walk_.tokens(),
                                      .b = originals_->tokens(),
                                      .a_stride = static_cast<int>(cols),
                                      .b_stride = static_cast<int>(cols),
                                      .rows = static_cast<int>(walk_.n_tokens()),
                                      .cols = static_cast<int>(cols),
                                      .parts = parts.as<double>(),
                                      .sum = sum},
                                     job_.device->stream());
  double out = 0;
  job_.device->download(sum, &out, sizeof out);
  return out / static_cast<double>(std::max<std::size_t>(1, walk_.n_tokens() * cols));
}

void DeviceBlocks::solve_stage(std::span<const PlanRow* const> rows,
                               DeviceBlock& block,
                               std::vector<WeightReport>& reports,
                               io::CheckpointWriter& writer) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<BlockWeight> weights;
  std::uint64_t n_parameters = 0;
  for (const PlanRow* row : rows) {
    weights.push_back({DecoderBlock::short_name(row->weight), row->codec});
    n_parameters += row->rows * row->cols;
  }
  std::uint64_t n_done = 0;
  const auto advance = [&](double part) {
    const auto to = static_cast<std::uint64_t>(part * static_cast<double>(n_parameters));
    progress_.advance(to - n_done);
    n_done = to;
  };
  auto all = rows.front()->stage->solver->device_solver()->device_block_solver()->solve_block_on(
      {.device = *job_.device,
       .block = block,
       .layer = static_cast<std::size_t>(rows.front()->layer),
       .inputs = walk_.tokens(),
       .targets = originals_->tokens(),
       .n_tokens = walk_.n_tokens(),
       .window = walk_.window(),
       .weights = weights},
      advance);
  advance(1.0);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const PlanRow& row = *rows[i];
    const double share =
        static_cast<double>(row.rows * row.cols) / static_cast<double>(n_parameters);
    SolvedOnDevice solved = report_solved_on(*job_.device,
                                             row,
                                             block.weight(weights[i].name),
                                             std::move(all[i]),
                                             elapsed.count() * share);
    writer.add_tensor(row.weight, solved.weight.matrix).take();
    block.set_weight(weights[i].name, decode_codes(*job_.device, *solved.codes));
    reports.push_back(std::move(solved.weight.report));
  }
}

void DeviceBlocks::run_block_together(std::span<const PlanRow* const> rows,
                                      std::size_t layer,
                                      io::CheckpointWriter& writer,
                                      Json& reports) {
  DeviceBlock block(job_.checkpoint, job_.config, layer, *job_.device, pool_);
  originals_->pass(block);
  originals_->rest();
  for (const Site site : kSites) {  // what needs no inputs: check_device_plan
    solve_at(site, layer, block, nullptr, writer, reports);
  }
  walk_.rest();
  std::vector<WeightReport> all;
  for (std::size_t first = 0; first < rows.size();) {
    std::size_t end = first + 1;
    while (end < rows.size() && rows[end]->stage == rows[first]->stage) {
      ++end;
    }
    solve_stage(rows.subspan(first, end - first), block, all, writer);
    first = end;
  }
  walk_.pass(block);
  const double error = mean_square_difference();
  for (WeightReport& report : all) {
    report.measures.push_back({"block_mse", error});
    reports.push_back(weight_report_json(report));
  }
  if (!feeds_quantized()) {
    walk_.take_tokens_of(*originals_);
  }
}

void DeviceBlocks::run_block(std::size_t layer, io::CheckpointWriter& writer, Json& reports) {
  if (const auto rows = solved_together(layer); !rows.empty()) {
    run_block_together(rows, layer, writer, reports);
    return;
  }
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
  if (originals_) {
    originals_->pass(block);
    originals_->rest();
  }
  walk_.run(
      block, [&](Site site) { return wants_moment(site, layer); }, solve);
}

void DeviceBlocks::repeat_block(
    std::size_t layer, FunctionRef<std::optional<codec::EncodedMatrix>(const PlanRow&)> find) {
  DeviceBlock block(job_.checkpoint, job_.config, layer, *job_.device, pool_);
  if (originals_) {
    originals_->pass(block);
    originals_->rest();
  }
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
