#include "ops/linear.h"

#include <algorithm>

#include "base/check.h"
#include "base/checked_math.h"
#include "base/error.h"
#include "kernels/panel_stream.h"
#include "kernels/prefetch.h"
#include "kernels/select.h"

namespace nibble::ops {

using kernels::ActivationFormat;
using kernels::kPanelRows;
using kernels::LinearKernels;
using kernels::PanelKernel;
using kernels::Panels;
using kernels::PanelStorage;
using kernels::TilePlan;

struct Linear::Impl {
  Impl(Panels packed, std::vector<float> biases)
      : panels(std::move(packed)),
        bias(std::move(biases)),
        kernel(&kernels::kernels().linear->panel(panels.format)) {
    if (!bias.empty() && bias.size() != panels.rows) {
      raise(ErrorCode::kShapeMismatch, "linear: {} biases for {} rows", bias.size(), panels.rows);
    }
  }

  Panels panels;
  std::vector<float> bias;
  const PanelKernel* kernel;
};

namespace {

/// Converted activations that a core works on at a time: half of a common second-level cache.
constexpr std::size_t kTokenBlockBytes = std::size_t{512} << 10;
/// A job's panels are a multiple of what any kernel takes at once.
constexpr std::size_t kMostAtOnce = 2;
/// Tasks for each thread, so that uneven cores end together.
constexpr std::size_t kTasksPerThread = 4;
/// Activations whose conversion is worth a hand-over to another thread.
constexpr std::size_t kSharedElements = 16384;
/// Outputs of each of a gated pair that a task keeps in the first-level cache: three tiles of 12
/// tokens by two panels.
constexpr std::size_t kGatedFloats = 1152;

using Gate = void (*)(float* gate, const float* up, std::size_t n) noexcept;

void check_operands(const Linear& layer, MatrixView<const float> x, MatrixView<float> y) {
  if (x.cols != layer.cols() || y.cols != layer.rows() || x.rows != y.rows) {
    raise(ErrorCode::kShapeMismatch,
          "linear [{}, {}]: x is [{}, {}] and y is [{}, {}]",
          layer.rows(),
          layer.cols(),
          x.rows,
          x.cols,
          y.rows,
          y.cols);
  }
}

/// The tokens of x in one activation format: tiles one after the other.
struct Converted {
  ActivationFormat format;
  std::span<const std::int32_t> order;  ///< column at each place; empty: as they are
  std::size_t token_bytes = 0;
  std::byte* data = nullptr;

  [[nodiscard]] std::byte* tile(const TilePlan& plan, std::size_t i) const noexcept {
    return data + i * plan.full * token_bytes;
  }
};

/// Memory for converted activations, kept from call to call by each thread that calls.
std::byte* scratch(std::size_t n_bytes) {
  thread_local PanelStorage storage;
  if (storage.size() < n_bytes) {
    storage = PanelStorage();
    storage = PanelStorage(n_bytes + n_bytes / 2);
  }
  return storage.data();
}

Gate gate_kernel(GateActivation activation) noexcept {
  const kernels::ElementwiseKernels& set = *kernels::kernels().elementwise;
  return activation == GateActivation::kSilu ? set.gate_silu : set.gate_gelu;
}

/// Rows of one layer that one task multiplies with one block of tiles.
struct Job {
  std::size_t layer;
  std::size_t first_panel;
  std::size_t n_panels;
  std::size_t first_tile;
  std::size_t n_tiles;
};

/// One call: several layers on one input.
class Product {
 public:
  Product(const LinearKernels& kernels, MatrixView<const float> x)
      : kernels_(kernels), x_(x), plan_(kernels::plan_tiles(kernels.tiles, x.rows)) {}

  void add(const Panels& panels,
           const PanelKernel& kernel,
           std::span<const float> bias,
           MatrixView<float> y) {
    const ActivationFormat format = kernels::activation_format(panels, kernel);
    auto found = std::ranges::find_if(inputs_, [&](const Converted& input) {
      return input.format == format && std::ranges::equal(input.order, panels.order);
    });
    if (found == inputs_.end()) {
      inputs_.push_back({format, panels.order, kernels::activation_bytes(format), nullptr});
      found = inputs_.end() - 1;
    }
    const auto input = static_cast<std::size_t>(found - inputs_.begin());
    layers_.push_back({&panels, &kernel, bias.empty() ? nullptr : bias.data(), y, input});
  }

  void run(ThreadPool& pool) {
    alone_ = pool.size() == 1;
    convert(pool);
    const std::vector<Job> jobs = split(pool.size(), layers_.size());
    pool.run(jobs.size(), [&](std::size_t i, std::size_t /*worker*/) { multiply(jobs[i]); });
  }

  /// The first layer's y becomes gate(first, second); the second has no y.
  void run_gated(Gate gate, ThreadPool& pool) {
    if (plan_.n_tiles == 1) {
      run_and_gate(gate, pool);
      return;
    }
    NIBBLE_CHECK(plan_.full * kMostAtOnce * kPanelRows <= kGatedFloats,
                 "a tile too wide for its buffer");
    convert(pool);
    const std::vector<Job> jobs = split(pool.size(), 1);
    pool.run(jobs.size(),
             [&](std::size_t i, std::size_t /*worker*/) { multiply_gated(jobs[i], gate); });
  }

 private:
  struct Layer {
    const Panels* panels;
    const PanelKernel* kernel;
    const float* bias;
    MatrixView<float> y;
    std::size_t input;
  };

  /// Of one tile: the weights come from memory, which likes long runs of one matrix better than
  /// turns of two; the outputs are few.
  void run_and_gate(Gate gate, ThreadPool& pool) {
    const MatrixView<float> y = layers_[0].y;
    thread_local std::vector<float> ups;  // kept from call to call, as `scratch` is
    ups.resize(std::max(ups.size(), y.rows * y.cols));
    layers_[1].y = {ups.data(), y.rows, y.cols};
    run(pool);
    for (std::size_t t = 0; t < y.rows; ++t) {
      gate(y.row(t), layers_[1].y.row(t), y.cols);
    }
  }

  void convert(ThreadPool& pool) {
    std::size_t n_bytes = 0;
    for (const Converted& input : inputs_) {
      n_bytes += round_up(plan_.padded() * input.token_bytes, 64);
    }
    std::byte* at = scratch(n_bytes);
    for (Converted& input : inputs_) {
      input.data = at;
      at += round_up(plan_.padded() * input.token_bytes, 64);
    }
    const auto convert_tile = [&](std::size_t i, std::size_t /*worker*/) {
      const Converted& input = inputs_[i / plan_.n_tiles];
      const std::size_t tile = i % plan_.n_tiles;
      const auto pack = kernels_.pack[static_cast<std::size_t>(input.format.type)];
      const MatrixView<const float> x = in_order(input.order, tile);
      pack({.format = &input.format,
            .x = x.data,
            .x_stride = x.stride,
            .n_tokens = plan_.tokens(tile),
            .tile = plan_.width(tile),
            .out = input.tile(plan_, tile)});
    };
    const std::size_t n_tasks = inputs_.size() * plan_.n_tiles;
    if (inputs_.size() * x_.rows * x_.cols >= kSharedElements) {
      pool.run(n_tasks, convert_tile);
      return;
    }
    for (std::size_t i = 0; i < n_tasks; ++i) {
      convert_tile(i, 0);
    }
  }

  /// The tokens of a tile with their columns in that order, valid until the thread's next call.
  [[nodiscard]] MatrixView<const float> in_order(std::span<const std::int32_t> order,
                                                 std::size_t tile) const {
    const auto x = x_.rows_from(tile * plan_.full, plan_.tokens(tile));
    if (order.empty()) {
      return x;
    }
    thread_local std::vector<float> ordered;  // kept from call to call, as `scratch` is
    ordered.resize(std::max(ordered.size(), x.rows * x.cols));
    for (std::size_t t = 0; t < x.rows; ++t) {
      const float* from = x.row(t);
      float* to = &ordered[t * x.cols];
      for (std::size_t p = 0; p < x.cols; ++p) {
        to[p] = from[order[p]];
      }
    }
    return {ordered.data(), x.rows, x.cols};
  }

  /// The panels of the first `n_layers`.
  [[nodiscard]] std::vector<Job> split(std::size_t n_threads, std::size_t n_layers) const {
    std::size_t all_panels = 0;
    std::size_t token_bytes = 1;
    for (std::size_t layer = 0; layer < n_layers; ++layer) {
      all_panels += layers_[layer].panels->n_panels;
    }
    for (const Converted& input : inputs_) {
      token_bytes = std::max(token_bytes, input.token_bytes);
    }
    const std::size_t tile_block =
        std::max<std::size_t>(1, kTokenBlockBytes / (token_bytes * plan_.full));
    const std::size_t panel_block =
        n_threads == 1 ? all_panels
                       : round_up(ceil_div(all_panels, n_threads * kTasksPerThread), kMostAtOnce);
    std::vector<Job> jobs;
    for (std::size_t tile = 0; tile < plan_.n_tiles; tile += tile_block) {
      for (std::size_t layer = 0; layer < n_layers; ++layer) {
        const std::size_t n_panels = layers_[layer].panels->n_panels;
        for (std::size_t panel = 0; panel < n_panels; panel += panel_block) {
          jobs.push_back({layer,
                          panel,
                          std::min(panel_block, n_panels - panel),
                          tile,
                          std::min(tile_block, plan_.n_tiles - tile)});
        }
      }
    }
    return jobs;
  }

  /// Neighbours from tile i on, before `end`, that one call of the layer's kernel takes: at most
  /// `limit`, all of one width.
  [[nodiscard]] std::size_t tiles_at_once(const Layer& layer,
                                          std::size_t i,
                                          std::size_t end,
                                          std::size_t limit) const noexcept {
    const std::size_t most = std::min({layer.kernel->tiles_at_once, limit, end - i});
    return i + most == plan_.n_tiles && plan_.last != plan_.full && most > 1 ? most - 1 : most;
  }

  /// Tokens in n tiles from tile i on.
  [[nodiscard]] std::size_t tokens_of(std::size_t i, std::size_t n) const noexcept {
    return std::min(n * plan_.full, plan_.n_tokens - i * plan_.full);
  }

  /// The panels of `task` with n tiles from tile i on.
  void multiply_panels(const Layer& layer,
                       kernels::PanelTask& task,
                       std::size_t i,
                       std::size_t n,
                       float* y) const noexcept {
    task.x = inputs_[layer.input].tile(plan_, i);
    task.tile = plan_.width(i);
    task.n_tokens = tokens_of(i, n);
    task.y = y;
    layer.kernel->multiply(task);
  }

  /// How far ahead weights are asked for: what lies behind a job's last panel is wanted soon when
  /// there is one thread, and most likely by another one when there are more.
  [[nodiscard]] std::size_t ahead(const Layer& layer, std::size_t n_panels_left) const noexcept {
    return alone_ ? kernels::kPrefetchAhead
                  : std::min(kernels::kPrefetchAhead, n_panels_left * layer.panels->panel_bytes);
  }

  /// As many panels of [first, end) as the kernel takes at once.
  [[nodiscard]] kernels::PanelTask task_of(const Layer& layer,
                                           std::size_t first,
                                           std::size_t end,
                                           std::size_t y_stride) const noexcept {
    const std::size_t n = std::min(layer.kernel->panels_at_once, end - first);
    kernels::PanelTask task = kernels::panel_task(*layer.panels, first, n);
    task.bias = layer.bias != nullptr ? layer.bias + first * kPanelRows : nullptr;
    task.y_stride = y_stride;
    task.ahead = ahead(layer, end - first - n);
    return task;
  }

  void multiply(const Job& job) const noexcept {
    const Layer& layer = layers_[job.layer];
    const std::size_t end = job.first_panel + job.n_panels;
    const std::size_t end_tile = job.first_tile + job.n_tiles;
    for (std::size_t p = job.first_panel; p < end; p += layer.kernel->panels_at_once) {
      kernels::PanelTask task = task_of(layer, p, end, layer.y.stride);
      std::size_t n = 0;
      for (std::size_t i = job.first_tile; i < end_tile; i += n) {
        n = tiles_at_once(layer, i, end_tile, end_tile);
        multiply_panels(layer, task, i, n, layer.y.row(i * plan_.full) + p * kPanelRows);
      }
    }
  }

  /// A few panels of both layers, then the gate over what they gave: as few as the kernels allow,
  /// so that they stay in the first level while the tiles stream past.
  void multiply_gated(const Job& job, Gate gate) const noexcept {
    const std::size_t end = job.first_panel + job.n_panels;
    const std::size_t end_tile = job.first_tile + job.n_tiles;
    for (std::size_t first = job.first_panel; first < end; first += kMostAtOnce) {
      const std::size_t n = std::min(kMostAtOnce, end - first);
      const std::size_t limit = kGatedFloats / (plan_.full * n * kPanelRows);
      std::size_t n_tiles = 0;
      for (std::size_t i = job.first_tile; i < end_tile; i += n_tiles) {
        n_tiles = std::min(tiles_at_once(layers_[0], i, end_tile, limit),
                           tiles_at_once(layers_[1], i, end_tile, limit));
        gate_block({first, n, i, n_tiles}, gate);
      }
    }
  }

  /// A few panels and tiles of both of a gated pair.
  struct GatedBlock {
    std::size_t first_panel, n_panels;
    std::size_t first_tile, n_tiles;
  };

  void gate_block(const GatedBlock& block, Gate gate) const noexcept {
    alignas(64) float gates[kGatedFloats];
    alignas(64) float ups[kGatedFloats];
    const MatrixView<float> y = layers_[0].y;
    const std::size_t width = block.n_panels * kPanelRows;
    const std::size_t n_rows = std::min(width, y.cols - block.first_panel * kPanelRows);
    const std::size_t n_tokens = tokens_of(block.first_tile, block.n_tiles);
    if (n_rows < width) {  // the gate runs over the rows that no panel has, too
      std::fill_n(gates, n_tokens * width, 0.0F);
      std::fill_n(ups, n_tokens * width, 0.0F);
    }
    multiply_block(layers_[0], block, gates);
    multiply_block(layers_[1], block, ups);
    gate(gates, ups, n_tokens * width);
    for (std::size_t t = 0; t < n_tokens; ++t) {
      std::copy_n(gates + t * width,
                  n_rows,
                  y.row(block.first_tile * plan_.full + t) + block.first_panel * kPanelRows);
    }
  }

  /// out [tokens, n_panels * 16].
  void multiply_block(const Layer& layer, const GatedBlock& block, float* out) const noexcept {
    const std::size_t end = block.first_panel + block.n_panels;
    for (std::size_t p = block.first_panel; p < end; p += layer.kernel->panels_at_once) {
      kernels::PanelTask task = task_of(layer, p, end, block.n_panels * kPanelRows);
      multiply_panels(
          layer, task, block.first_tile, block.n_tiles, out + (p - block.first_panel) * kPanelRows);
    }
  }

  const LinearKernels& kernels_;
  MatrixView<const float> x_;
  TilePlan plan_;
  std::vector<Converted> inputs_;
  std::vector<Layer> layers_;
  bool alone_ = false;  ///< one thread takes all jobs, in order
};

}  // namespace

const int Linear::kStoredRevision = kernels::kPanelRevision;

Linear::Linear(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Linear::Linear(Linear&&) noexcept = default;
Linear& Linear::operator=(Linear&&) noexcept = default;
Linear::~Linear() = default;

Linear Linear::make(const codec::EncodedMatrix& weight,
                    std::vector<float> bias,
                    Arithmetic arithmetic,
                    ThreadPool& pool) {
  return Linear(
      std::make_unique<Impl>(kernels::pack_panels(weight, arithmetic, pool), std::move(bias)));
}

Linear Linear::read(ByteSource& from, std::size_t rows, std::size_t cols, std::vector<float> bias) {
  return Linear(std::make_unique<Impl>(kernels::read_panels(from, rows, cols), std::move(bias)));
}

void Linear::write(ByteSink& to) const {
  kernels::write_panels(impl_->panels, to);
}

std::size_t Linear::rows() const noexcept {
  return impl_->panels.rows;
}
std::size_t Linear::cols() const noexcept {
  return impl_->panels.cols;
}
std::size_t Linear::packed_bytes() const noexcept {
  return impl_->panels.n_bytes();
}
std::string Linear::kernel() const {
  return std::string(impl_->kernel->name);
}

void Linear::apply(MatrixView<const float> x, MatrixView<float> y, ThreadPool& pool) const {
  const Linear* const layers[] = {this};
  apply_all(layers, x, {&y, 1}, pool);
}

void Linear::gather_rows(std::span<const std::int32_t> ids, MatrixView<float> out) const {
  if (out.rows != ids.size() || out.cols != cols()) {
    raise(ErrorCode::kShapeMismatch,
          "linear [{}, {}]: gather of {} rows into [{}, {}]",
          rows(),
          cols(),
          ids.size(),
          out.rows,
          out.cols);
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0 || static_cast<std::size_t>(ids[i]) >= rows()) {
      raise(ErrorCode::kShapeMismatch, "linear: row {} of {}", ids[i], rows());
    }
    kernels::unpack_panel_row(impl_->panels, static_cast<std::size_t>(ids[i]), out.row(i));
  }
}

void apply_all(std::span<const Linear* const> layers,
               MatrixView<const float> x,
               std::span<const MatrixView<float>> ys,
               ThreadPool& pool) {
  if (layers.size() != ys.size()) {
    raise(ErrorCode::kShapeMismatch, "apply_all: {} layers, {} outputs", layers.size(), ys.size());
  }
  Product product(*kernels::kernels().linear, x);
  for (std::size_t i = 0; i < layers.size(); ++i) {
    check_operands(*layers[i], x, ys[i]);
    product.add(layers[i]->impl_->panels, *layers[i]->impl_->kernel, layers[i]->impl_->bias, ys[i]);
  }
  if (x.rows != 0 && !layers.empty()) {
    product.run(pool);
  }
}

void apply_gated(const GatedPair& pair,
                 MatrixView<const float> x,
                 MatrixView<float> y,
                 ThreadPool& pool) {
  check_operands(pair.gate, x, y);
  check_operands(pair.up, x, y);
  Product product(*kernels::kernels().linear, x);
  for (const Linear* layer : {&pair.gate, &pair.up}) {
    product.add(layer->impl_->panels, *layer->impl_->kernel, layer->impl_->bias, y);
  }
  if (x.rows != 0) {
    product.run_gated(gate_kernel(pair.activation), pool);
  }
}

}  // namespace nibble::ops
