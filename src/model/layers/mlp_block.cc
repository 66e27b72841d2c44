#include "model/layers/mlp_block.h"

#include <fmt/format.h>

#include <algorithm>

namespace nibble::model {
namespace {

/// Rows at a time, so that the wide buffer stays small however many tokens come.
constexpr std::size_t kTileRows = 512;

std::string stem(std::size_t layer, std::string_view part) {
  return fmt::format("model.layers.{}.mlp.{}", layer, part);
}

}  // namespace

MlpBlock::MlpBlock(const ModelConfig& config, const WeightLoader& weights, std::size_t layer)
    : activation_(config.activation),
      rounding_(config.runtime.activations),
      gate_(weights.linear(stem(layer, "gate_proj"), config.intermediate, config.hidden)),
      up_(weights.linear(stem(layer, "up_proj"), config.intermediate, config.hidden)),
      down_(weights.linear(stem(layer, "down_proj"), config.hidden, config.intermediate)) {
  if (config.runtime.rotates_gated) {
    rotation_ = ops::hadamard_for(config.intermediate);
  }
}

void MlpBlock::run(Stream& stream) const {
  ThreadPool& pool = stream.pool();
  ops::round_tokens(rounding_, stream.normed(), pool);
  for (std::size_t first = 0; first < stream.n_rows(); first += kTileRows) {
    const std::size_t n = std::min(kTileRows, stream.n_rows() - first);
    const auto gated = stream.scratch(Workspace::kGated, n, gate_.rows());
    ops::apply_gated({gate_, up_, activation_}, stream.normed().rows_from(first, n), gated, pool);
    if (rotation_) {
      ops::hadamard_in_place(*rotation_, gated, pool);
    }
    ops::round_tokens(rounding_, gated, pool);
    down_.apply(gated, stream.branch().rows_from(first, n), pool);
  }
}

std::size_t MlpBlock::packed_bytes() const noexcept {
  return gate_.packed_bytes() + up_.packed_bytes() + down_.packed_bytes();
}

}  // namespace nibble::model
