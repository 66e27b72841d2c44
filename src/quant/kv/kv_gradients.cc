#include "quant/kv/kv_gradients.h"

#include <algorithm>

#include "model/memory.h"
#include "quant/calibrate/embed_windows.h"
#include "quant/gradient/block_gradient.h"
#include "quant/gradient/head_gradient.h"

namespace nibble::quant {
namespace {

std::vector<float> copied(MatrixView<float> x) {
  return {x.data, x.data + x.rows * x.cols};
}

void require_gradients(const io::Checkpoint& checkpoint,
                       const model::ModelConfig& config,
                       const CalibrationWindows& windows) {
  if (config.runtime.rotates()) {
    raise(ErrorCode::kUnsupported,
          "gradients of keys and values know no rotations that run with the model (heads, "
          "attended, gated)");
  }
  const std::size_t entrances = (config.n_layers + 2) * windows.ids.size() * config.hidden;
  const std::size_t head = config.vocab * (config.hidden + 512);
  model::require_memory(checkpoint.path().string() + ": gradients of keys and values",
                        (entrances + head) * sizeof(float),
                        model::available_memory())
      .take();
}

/// The blocks of a model with what entered them.
class BackwardWalk {
 public:
  BackwardWalk(const io::Checkpoint& checkpoint,
               const model::ModelConfig& config,
               const CalibrationWindows& windows,
               ThreadPool& pool)
      : checkpoint_(checkpoint),
        config_(config),
        windows_(windows),
        pool_(pool),
        tokens_(embed_windows(checkpoint, config, windows)) {}

  /// Behind it, `tokens_` are the gradients at the exit of the last block.
  double forward() {
    for (std::size_t layer = 0; layer < config_.n_layers; ++layer) {
      cancel_flag().check();
      entrances_.push_back(copied(tokens_.hidden()));
      DecoderBlock block = DecoderBlock::load(checkpoint_, config_, layer, pool_);
      tokens_.for_each_part(block, [&](const BlockRows& rows, std::size_t /*first*/) {
        for (const Site site : kSites) {
          block.reach(site, rows);
        }
        block.leave(rows);
      });
    }
    HeadGradient head(checkpoint_, config_, pool_);
    return head.backward(tokens_.hidden(), windows_.ids, windows_.window);
  }

  void backward(std::size_t layer, const std::function<void(const KvWithGradients&)>& see) {
    cancel_flag().check();
    DecoderBlock block = DecoderBlock::load(checkpoint_, config_, layer, pool_);
    const std::size_t width = config_.n_kv_heads * config_.head_dim;
    for (std::vector<float>& part : kv_) {
      part.resize(tokens_.size() * width);
    }
    const auto view = [&](std::size_t i) {
      return MatrixView<float>(kv_[i].data(), tokens_.size(), width);
    };
    BlockTokens entrance(std::move(entrances_[layer]), config_.hidden, tokens_.window());
    BlockGradient<float> gradient(block, pool_);
    BlockGradient<float>::Weights weights;
    for (std::size_t i = 0; i < kBlockLinears; ++i) {
      weights[i] = block.weight(block_linear_name(i));
    }
    entrance.for_each_part(block, [&](const BlockRows& rows, std::size_t first) {
      const std::size_t n = rows.hidden.rows;
      out_.resize(n * config_.hidden);
      gradient.forward(rows.hidden, rows.window, weights, {out_.data(), n, config_.hidden});
      gradient.backward_to_input(weights,
                                 rows.hidden,
                                 tokens_.hidden().rows_from(first, n),
                                 {view(2).rows_from(first, n), view(3).rows_from(first, n)});
      block.project_kv(block.reach(Site::kAttentionIn, rows),
                       view(0).rows_from(first, n),
                       view(1).rows_from(first, n));
    });
    for (const std::size_t i : {std::size_t{2}, std::size_t{3}}) {
      std::ranges::transform(kv_[i], kv_[i].begin(), [](float g) { return g * g; });
    }
    entrances_[layer] = {};
    see({layer, view(0), view(1), view(2), view(3)});
  }

 private:
  const io::Checkpoint& checkpoint_;
  const model::ModelConfig& config_;
  const CalibrationWindows& windows_;
  ThreadPool& pool_;
  BlockTokens tokens_;  ///< forwards what flows, backwards its gradient
  std::vector<std::vector<float>> entrances_;
  std::array<std::vector<float>, 4> kv_;  ///< keys, values, and the squares of their gradients
  std::vector<float> out_;
};

}  // namespace

double for_each_layer_backwards(const io::Checkpoint& checkpoint,
                                const model::ModelConfig& config,
                                const CalibrationWindows& windows,
                                ThreadPool& pool,
                                const std::function<void(const KvWithGradients&)>& see) {
  require_gradients(checkpoint, config, windows);
  BackwardWalk walk(checkpoint, config, windows, pool);
  const double loss = walk.forward();
  for (std::size_t layer = config.n_layers; layer-- > 0;) {
    walk.backward(layer, see);
  }
  const std::size_t n = windows.ids.size() - windows.ids.size() / windows.window;
  return loss / static_cast<double>(std::max<std::size_t>(1, n));
}

}  // namespace nibble::quant
