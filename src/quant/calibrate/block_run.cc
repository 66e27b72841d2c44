#include "quant/calibrate/block_run.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "base/cancel.h"
#include "codec/dense.h"
#include "io/checkpoint_writer.h"
#include "model/memory.h"
#include "quant/block_solver.h"
#include "quant/calibrate/embed_windows.h"
#include "quant/device/blocks.h"
#include "quant/matrix.h"

namespace nibble::quant {
namespace {

namespace fs = std::filesystem;

bool is_changed(const DecoderBlock& block,
                std::string_view name,
                const std::vector<float>& before) {
  const auto w = block.weight(name);
  return !std::equal(before.begin(), before.end(), w.data);
}

double mean_square_difference(MatrixView<const float> a, MatrixView<const float> b) {
  double sum = 0;
  for (std::size_t r = 0; r < a.rows; ++r) {
    for (std::size_t c = 0; c < a.cols; ++c) {
      const double d = static_cast<double>(a(r, c)) - static_cast<double>(b(r, c));
      sum += d * d;
    }
  }
  return sum / static_cast<double>(std::max<std::size_t>(1, a.rows * a.cols));
}

codec::EncodedMatrix plain_matrix(MatrixView<const float> w) {
  return codec::dense_matrix(
      Tensor::from<float>(DType::kF32, {w.rows, w.cols}, {w.data, w.rows * w.cols}));
}

/// "self_attn.q_proj.weight" as "self_attn.q_proj.bias" and the other way, whole names too.
std::string with_ending(std::string_view name, std::string_view ending) {
  return fmt::format("{}.{}", name.substr(0, name.rfind('.')), ending);
}

double root_mean_square(std::span<const float> values) {
  double sum = 0;
  for (const float v : values) {
    sum += double{v} * double{v};
  }
  return std::sqrt(sum / static_cast<double>(std::max<std::size_t>(1, values.size())));
}

}  // namespace

struct BlockRun::Output {
  io::CheckpointWriter writer;
  Json reports = Json::array();
};

BlockRun::BlockRun(const BlockJob& job, ThreadPool& pool, ProgressSink& progress)
    : job_(job),
      pool_(pool),
      progress_(progress),
      tokens_({}, job.config.hidden, job.windows.window),
      finished_(job.config.n_layers) {}

BlockRun::~BlockRun() = default;

void BlockRun::require_enough_memory() const {
  const model::ModelConfig& config = job_.config;
  if (job_.device != nullptr) {  // the tokens on their way there
    model::require_memory(job_.checkpoint.path().string() + ": calibrated quantization",
                          job_.windows.ids.size() * config.hidden * sizeof(float),
                          model::available_memory())
        .take();
    return;
  }
  const std::size_t heads = config.n_heads * config.head_dim;
  const std::size_t widest = std::max({config.hidden, config.intermediate, heads});
  const std::size_t n_copies =
      !job_.plan.recipe->rewrites_blocks() && feeds_quantized() && !wants_originals() ? 1 : 4;
  const std::size_t activations =
      n_copies * job_.windows.ids.size() * (config.hidden + widest) * sizeof(float);
  std::size_t block = 0;
  for (const model::WeightInfo& weight : model::list_weights(config)) {
    block += weight.layer == 0 ? weight.rows * weight.cols * sizeof(float) : 0;
  }
  const std::size_t n_moments = wants_originals() ? 2 : 1;
  const std::size_t moment = n_moments * widest * widest * (2 * sizeof(double) + sizeof(float));
  model::require_memory(job_.checkpoint.path().string() + ": calibrated quantization",
                        activations + (wants_originals() ? 7 : 2) * block + moment,
                        model::available_memory())
      .take();
}

DecoderBlock BlockRun::load(std::size_t layer) const {
  return DecoderBlock::load(job_.checkpoint, job_.config, layer, pool_);
}

fs::path BlockRun::block_folder(std::size_t layer) const {
  return job_.folder / fmt::format("block-{:04}", layer);
}

void BlockRun::run() {
  require_enough_memory();
  std::error_code error;
  fs::create_directories(job_.folder, error);
  if (error) {
    raise(ErrorCode::kIo, "{}: cannot be created: {}", job_.folder.string(), error.message());
  }
  tokens_ = embed_windows(job_.checkpoint, job_.config, job_.windows);
  if (job_.device != nullptr) {
    device_ = std::make_unique<DeviceBlocks>(job_, std::move(tokens_), pool_, progress_);
  } else if (wants_originals()) {
    originals_ = tokens_;
  }
  for (std::size_t layer = 0; layer < job_.config.n_layers; ++layer) {
    cancel_flag().check();
    if (fs::exists(block_folder(layer))) {
      repeat_block(layer);
    } else {
      run_block(layer);
    }
  }
}

const PlanRow* BlockJob::row_of(std::size_t layer, std::string_view short_name) const {
  const auto row = std::ranges::find_if(plan.rows, [&](const PlanRow& r) {
    return r.layer == static_cast<int>(layer) && DecoderBlock::short_name(r.weight) == short_name;
  });
  return row == plan.rows.end() || row->is_kept() ? nullptr : &*row;
}

Needs BlockRun::needs_at(Site site, std::size_t layer) const {
  Needs out;
  for (const std::string_view name : linears_at(site)) {
    const PlanRow* row = job_.row_of(layer, name);
    out = row == nullptr ? out : out | row->stage->needs;
  }
  out.mean = job_.plan.recipe->correction != nullptr;
  return out;
}

void BlockRun::run_block(std::size_t layer) {
  Output output{io::CheckpointWriter::create(block_folder(layer)).take()};
  if (device_) {
    device_->run_block(layer, output.writer, output.reports);
  } else {
    run_block_on_host(layer, output);
  }
  output.writer.finish({{"weights", std::move(output.reports)}}).take();
  finished_[layer] = open_block(layer);
}

void BlockRun::run_block_on_host(std::size_t layer, Output& output) {
  DecoderBlock block = load(layer);
  transform(block, layer, output);
  std::optional<Companion> companion = make_companion(block, layer);
  advance_originals(layer);
  if (feeds_quantized()) {
    solve(block, layer, tokens_, companion, output);
  } else {
    BlockTokens copy = tokens_;
    solve(block, layer, copy, companion, output);
    if (!is_last(layer)) {
      DecoderBlock original = load(layer);
      pass(original, tokens_);
    }
  }
}

void BlockRun::transform(DecoderBlock& block, std::size_t layer, Output& output) {
  if (!job_.plan.recipe->rewrites_blocks()) {
    return;
  }
  std::map<std::string, std::vector<float>> before;
  for (const model::WeightInfo& info : block.list()) {
    if (job_.row_of(layer, DecoderBlock::short_name(info.name)) == nullptr && !is_corrected(info)) {
      const auto w = block.weight(DecoderBlock::short_name(info.name));
      before[info.name] = {w.data, w.data + w.rows * w.cols};
    }
  }
  const TransformInput input{
      block, tokens_, [&](std::string_view name) -> std::shared_ptr<const codec::Codec> {
        const PlanRow* row = job_.row_of(layer, name);
        return row == nullptr ? nullptr : row->codec;
      }};
  for (const TransformStage& stage : job_.plan.recipe->transforms) {
    stage.transform->apply(input, pool_);
  }
  for (const auto& [name, values] : before) {
    const auto short_name = DecoderBlock::short_name(name);
    if (is_changed(block, short_name, values)) {
      output.writer.add_tensor(name, plain_matrix(block.weight(short_name))).take();
    }
  }
}

void BlockRun::advance_originals(std::size_t layer) {
  if (originals_) {
    DecoderBlock original = load(layer);
    pass(original, *originals_);
  }
}

std::optional<BlockRun::Companion> BlockRun::make_companion(const DecoderBlock& block,
                                                            std::size_t layer) const {
  const bool is_wanted =
      std::ranges::any_of(kSites, [&](Site site) { return needs_at(site, layer).cross_moment; });
  if (!is_wanted) {
    return std::nullopt;
  }
  // Its own tokens: those of the run pass through the blocks as they were before any transform, so
  // that a run that goes on at a later block has the same ones, bit for bit.
  Companion out{DecoderBlock(job_.config, layer, pool_), *originals_};
  for (const model::WeightInfo& info : block.list()) {
    const std::string_view name = DecoderBlock::short_name(info.name);
    const MatrixView<const float> w = block.weight(name);
    out.block.set_weight(name, {w.data, w.data + w.rows * w.cols});
  }
  return out;
}

void BlockRun::solve(DecoderBlock& block,
                     std::size_t layer,
                     BlockTokens& tokens,
                     std::optional<Companion>& companion,
                     Output& output) {
  const auto together = solved_together(layer);
  if (together.empty()) {
    solve_by_site(block, layer, tokens, companion, output);
    if (feeds_quantized() && !is_last(layer)) {
      leave(block, tokens);
    }
    return;
  }
  if (together.size() < n_solved(layer)) {
    BlockTokens copy = tokens;
    solve_by_site(block, layer, copy, companion, output);
  }
  solve_together(together, block, tokens, output);
}

std::size_t BlockRun::n_solved(std::size_t layer) const {
  return static_cast<std::size_t>(std::ranges::count_if(job_.plan.rows, [&](const PlanRow& row) {
    return row.layer == static_cast<int>(layer) && !row.is_kept();
  }));
}

bool BlockRun::wants_originals() const {
  return std::ranges::any_of(job_.plan.recipe->stages,
                             [](const SolveStage& stage) { return stage.needs.originals(); });
}

std::vector<const PlanRow*> BlockRun::solved_together(std::size_t layer) const {
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

void BlockRun::solve_together(std::span<const PlanRow* const> rows,
                              DecoderBlock& block,
                              BlockTokens& tokens,
                              Output& output) {
  std::vector<WeightReport> reports;
  for (std::size_t first = 0; first < rows.size();) {
    std::size_t end = first + 1;
    while (end < rows.size() && rows[end]->stage == rows[first]->stage) {
      ++end;
    }
    solve_stage(rows.subspan(first, end - first), block, tokens, reports, output);
    first = end;
  }
  pass(block, tokens);
  const double error = mean_square_difference(tokens.hidden(), originals_->hidden());
  for (WeightReport& report : reports) {
    report.measures.push_back({"block_mse", error});
    output.reports.push_back(weight_report_json(report));
  }
}

void BlockRun::solve_stage(std::span<const PlanRow* const> rows,
                           DecoderBlock& block,
                           BlockTokens& tokens,
                           std::vector<WeightReport>& reports,
                           Output& output) {
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
  auto solved = rows.front()->stage->solver->block_solver()->solve_block(
      {.block = block,
       .layer = static_cast<std::size_t>(rows.front()->layer),
       .inputs = tokens.hidden(),
       .targets = originals_->hidden(),
       .window = tokens.window(),
       .weights = weights},
      pool_,
      advance);
  advance(1.0);
  const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const PlanRow& row = *rows[i];
    const double share =
        static_cast<double>(row.rows * row.cols) / static_cast<double>(n_parameters);
    SolvedWeight weight = report_solved(
        row, block.weight(weights[i].name), std::move(solved[i]), elapsed.count() * share, pool_);
    output.writer.add_tensor(row.weight, weight.matrix).take();
    block.set_weight(weights[i].name, decode_matrix(weight.matrix, pool_));
    reports.push_back(std::move(weight.report));
  }
}

void BlockRun::solve_by_site(DecoderBlock& block,
                             std::size_t layer,
                             BlockTokens& tokens,
                             std::optional<Companion>& companion,
                             Output& output) {
  for (const Site site : kSites) {
    InputStatistics inputs(needs_at(site, layer), block.cols_at(site));
    tokens.for_each_part(block, [&](const BlockRows& rows, std::size_t first) {
      const MatrixView<const float> x = block.reach(site, rows);
      inputs.add(x, pool_);
      if (companion) {
        const BlockRows originals =
            companion->tokens.rows(companion->block, first, rows.hidden.rows);
        inputs.add_original(companion->block.reach(site, originals), x, pool_);
      }
    });
    inputs.finish();
    solve_at(site, layer, inputs, block, output);
  }
}

void BlockRun::solve_at(Site site,
                        std::size_t layer,
                        const InputStatistics& inputs,
                        DecoderBlock& block,
                        Output& output) {
  for (const std::string_view name : linears_at(site)) {
    const PlanRow* row = job_.row_of(layer, name);
    if (row == nullptr || row->stage->needs.block) {
      continue;
    }
    cancel_flag().check();
    inputs.require_finite(row->weight);
    SolvedWeight solved = solve_weight(*row, inputs.solve_input(block.weight(name)), pool_);
    output.writer.add_tensor(row->weight, solved.matrix).take();
    std::vector<float> quantized = decode_matrix(solved.matrix, pool_);
    correct(*row, quantized, inputs, block, output, solved.report);
    output.reports.push_back(weight_report_json(solved.report));
    if (feeds_quantized()) {
      block.set_weight(name, std::move(quantized));
    }
    progress_.advance(row->rows * row->cols);
  }
}

bool BlockRun::is_corrected(const model::WeightInfo& weight) const {
  return job_.plan.recipe->correction != nullptr && weight.role == model::WeightRole::kBias &&
         job_.row_of(static_cast<std::size_t>(weight.layer),
                     with_ending(DecoderBlock::short_name(weight.name), "weight")) != nullptr;
}

void BlockRun::correct(const PlanRow& row,
                       std::span<const float> quantized,
                       const InputStatistics& inputs,
                       DecoderBlock& block,
                       Output& output,
                       WeightReport& report) {
  const CorrectionRow* correction = job_.plan.recipe->correction;
  const std::string bias = with_ending(DecoderBlock::short_name(row.weight), "bias");
  if (correction == nullptr || !block.has(bias)) {
    return;
  }
  const auto weight = block.weight(DecoderBlock::short_name(row.weight));
  const std::vector<float> shift = correction->bias_shift(
      {weight, {quantized.data(), row.rows, row.cols}, inputs.mean()}, pool_);
  const auto before = block.weight(bias);
  std::vector<float> after(shift.size());
  std::transform(shift.begin(), shift.end(), before.data, after.begin(), std::plus{});
  output.writer
      .add_tensor(with_ending(row.weight, "bias"),
                  plain_matrix({after.data(), before.rows, before.cols}))
      .take();
  if (feeds_quantized()) {
    block.set_weight(bias, std::move(after));
  }
  report.measures.push_back({"bias_shift", root_mean_square(shift)});
}

void BlockRun::repeat_block(std::size_t layer) {
  finished_[layer] = open_block(layer);
  if (device_) {
    device_->repeat_block(layer, [&](const PlanRow& row) { return find(row); });
    return;
  }
  DecoderBlock block = load(layer);
  for (const PlanRow& row : job_.plan.rows) {
    if (row.layer != static_cast<int>(layer)) {
      continue;
    }
    if (const auto made = find(row); made && feeds_quantized()) {
      block.set_weight(DecoderBlock::short_name(row.weight), decode_matrix(*made, pool_));
    }
    progress_.advance(row.is_kept() ? 0 : row.rows * row.cols);
  }
  pass(block, tokens_);
  advance_originals(layer);
}

void BlockRun::pass(DecoderBlock& block, BlockTokens& tokens) {
  tokens.for_each_part(block, [&](const BlockRows& rows, std::size_t /*first*/) {
    for (const Site site : kSites) {
      block.reach(site, rows);
    }
    block.leave(rows);
  });
}

void BlockRun::leave(DecoderBlock& block, BlockTokens& tokens) {
  tokens.for_each_part(block,
                       [&](const BlockRows& rows, std::size_t /*first*/) { block.leave(rows); });
}

BlockRun::Finished BlockRun::open_block(std::size_t layer) const {
  const fs::path folder = block_folder(layer);
  Finished out{io::open_checkpoint(folder).take(), {}};
  for (const Json& report : out.files->metadata().value("weights", Json::array())) {
    out.reports.push_back(weight_report_from_json(report, folder.string()));
  }
  return out;
}

std::optional<codec::EncodedMatrix> BlockRun::find(const PlanRow& row) const {
  if (row.layer < 0) {
    return std::nullopt;
  }
  const auto& files = finished_[static_cast<std::size_t>(row.layer)].files;
  if (files == nullptr || !files->has(row.weight)) {
    return std::nullopt;
  }
  return files->tensor(row.weight).take().matrix;
}

std::vector<WeightReport> BlockRun::reports() const {
  std::vector<WeightReport> out;
  for (const Finished& block : finished_) {
    out.insert(out.end(), block.reports.begin(), block.reports.end());
  }
  return out;
}

}  // namespace nibble::quant
