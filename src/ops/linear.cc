#include "ops/linear.h"

#include <algorithm>

#include "base/checked_math.h"
#include "base/error.h"
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
  Panels panels;
  std::vector<float> bias;
  const PanelKernel* kernel = nullptr;
};

namespace {

/// Converted activations that a core works on at a time: half of a common second-level cache.
constexpr std::size_t kTokenBlockBytes = std::size_t{512} << 10;
/// A job's panels are a multiple of what any kernel takes at once.
constexpr std::size_t kMostAtOnce = 2;
/// Tasks for each thread, so that uneven cores end together.
constexpr std::size_t kTasksPerThread = 4;

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
    auto found = std::ranges::find(inputs_, format, &Converted::format);
    if (found == inputs_.end()) {
      inputs_.push_back({format, kernels::activation_bytes(format), nullptr});
      found = inputs_.end() - 1;
    }
    const auto input = static_cast<std::size_t>(found - inputs_.begin());
    layers_.push_back({&panels, &kernel, bias.empty() ? nullptr : bias.data(), y, input});
  }

  void run(ThreadPool& pool) {
    convert(pool);
    const std::vector<Job> jobs = split(pool.size());
    pool.run(jobs.size(), [&](std::size_t i, std::size_t /*worker*/) { multiply(jobs[i]); });
  }

 private:
  struct Layer {
    const Panels* panels;
    const PanelKernel* kernel;
    const float* bias;
    MatrixView<float> y;
    std::size_t input;
  };

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
    pool.run(inputs_.size() * plan_.n_tiles, [&](std::size_t i, std::size_t /*worker*/) {
      const Converted& input = inputs_[i / plan_.n_tiles];
      const std::size_t tile = i % plan_.n_tiles;
      const auto pack = kernels_.pack[static_cast<std::size_t>(input.format.type)];
      pack({.format = &input.format,
            .x = x_.row(tile * plan_.full),
            .x_stride = x_.stride,
            .n_tokens = plan_.tokens(tile),
            .tile = plan_.width(tile),
            .out = input.tile(plan_, tile)});
    });
  }

  [[nodiscard]] std::vector<Job> split(std::size_t n_threads) const {
    std::size_t all_panels = 0;
    std::size_t token_bytes = 1;
    for (const Layer& layer : layers_) {
      all_panels += layer.panels->n_panels;
      token_bytes = std::max(token_bytes, inputs_[layer.input].token_bytes);
    }
    const std::size_t tile_block =
        std::max<std::size_t>(1, kTokenBlockBytes / (token_bytes * plan_.full));
    const std::size_t panel_block =
        n_threads == 1 ? all_panels
                       : round_up(ceil_div(all_panels, n_threads * kTasksPerThread), kMostAtOnce);
    std::vector<Job> jobs;
    for (std::size_t tile = 0; tile < plan_.n_tiles; tile += tile_block) {
      for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
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

  void multiply(const Job& job) const noexcept {
    const Layer& layer = layers_[job.layer];
    const Converted& input = inputs_[layer.input];
    const std::size_t end = job.first_panel + job.n_panels;
    const std::size_t at_once = layer.kernel->panels_at_once;
    for (std::size_t p = job.first_panel; p < end; p += at_once) {
      kernels::PanelTask task = kernels::panel_task(*layer.panels, p, std::min(at_once, end - p));
      task.bias = layer.bias != nullptr ? layer.bias + p * kPanelRows : nullptr;
      task.y_stride = layer.y.stride;
      for (std::size_t i = job.first_tile; i < job.first_tile + job.n_tiles; ++i) {
        task.x = input.tile(plan_, i);
        task.tile = plan_.width(i);
        task.n_tokens = plan_.tokens(i);
        task.y = layer.y.row(i * plan_.full) + p * kPanelRows;
        layer.kernel->multiply(task);
      }
    }
  }

  const LinearKernels& kernels_;
  MatrixView<const float> x_;
  TilePlan plan_;
  std::vector<Converted> inputs_;
  std::vector<Layer> layers_;
};

}  // namespace

Linear::Linear(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Linear::Linear(Linear&&) noexcept = default;
Linear& Linear::operator=(Linear&&) noexcept = default;
Linear::~Linear() = default;

Linear Linear::make(const codec::EncodedMatrix& weight,
                    std::vector<float> bias,
                    Arithmetic arithmetic,
                    ThreadPool& pool) {
  if (!bias.empty() && bias.size() != weight.rows) {
    raise(ErrorCode::kShapeMismatch, "linear: {} biases for {} rows", bias.size(), weight.rows);
  }
  auto impl = std::make_unique<Impl>();
  impl->panels = kernels::pack_panels(weight, arithmetic, pool);
  impl->bias = std::move(bias);
  impl->kernel = &kernels::kernels().linear->panel(impl->panels.format);
  return Linear(std::move(impl));
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

}  // namespace nibble::ops
