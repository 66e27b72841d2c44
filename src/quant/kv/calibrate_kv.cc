#include "quant/kv/calibrate_kv.h"

#include <vector>

#include "base/error.h"
#include "quant/calibrate/embed_windows.h"
#include "quant/kv/fit_tables.h"
#include "quant/kv/kv_gradients.h"

namespace nibble::quant {
namespace {

/// Sends the tokens through the block and fits what it makes of them.
codec::KvTables fit_layer(DecoderBlock& block, BlockTokens& tokens, const codec::KvScheme& scheme) {
  const std::size_t width = block.config().n_kv_heads * block.config().head_dim;
  std::vector<float> keys(tokens.size() * width);
  std::vector<float> values(tokens.size() * width);
  const MatrixView<float> k(keys.data(), tokens.size(), width);
  const MatrixView<float> v(values.data(), tokens.size(), width);
  tokens.for_each_part(block, [&](const BlockRows& rows, std::size_t first) {
    const MatrixView<const float> x = block.reach(Site::kAttentionIn, rows);
    block.project_kv(x, k.rows_from(first, x.rows), v.rows_from(first, x.rows));
    for (const Site site : {Site::kAttentionOut, Site::kMlpIn, Site::kMlpOut}) {
      block.reach(site, rows);
    }
    block.leave(rows);
  });
  return fit_kv_tables(k, v, {tokens.window(), scheme.n_sinks}, scheme.keys.bits);
}

/// What `fit` gives, its failures with the layer.
template <class F>
codec::KvTables tables_of(std::size_t layer, const F& fit) {
  try {
    return fit();
  } catch (const Error& error) {
    if (error.code() == ErrorCode::kCancelled) {
      throw;
    }
    raise(error.code(), "layer {}: {}", layer, error.failure().message);
  }
}

model::KvTableList fit_by_gradients(const io::Checkpoint& checkpoint,
                                    const model::ModelConfig& config,
                                    const CalibrationWindows& windows,
                                    const codec::KvScheme& scheme,
                                    ThreadPool& pool) {
  model::KvTableList out(config.n_layers);
  const auto see = [&](const KvWithGradients& kv) {
    out[kv.layer] = tables_of(kv.layer, [&] {
      return fit_kv_tables(kv.k,
                           kv.v,
                           {windows.window, scheme.n_sinks},
                           scheme.keys.bits,
                           {kv.k_square, kv.v_square});
    });
  };
  for_each_layer_backwards(checkpoint, config, windows, pool, see);
  return out;
}

}  // namespace

model::KvTableList calibrate_kv(const io::Checkpoint& checkpoint,
                                const model::ModelConfig& config,
                                const CalibrationWindows& windows,
                                const codec::KvScheme& scheme,
                                KvWeighing weighing,
                                ThreadPool& pool) {
  if (weighing == KvWeighing::kGradients) {
    return fit_by_gradients(checkpoint, config, windows, scheme, pool);
  }
  BlockTokens tokens = embed_windows(checkpoint, config, windows);
  model::KvTableList out;
  for (std::size_t layer = 0; layer < config.n_layers; ++layer) {
    cancel_flag().check();
    DecoderBlock block = DecoderBlock::load(checkpoint, config, layer, pool);
    out.push_back(tables_of(layer, [&] { return fit_layer(block, tokens, scheme); }));
  }
  return out;
}

}  // namespace nibble::quant
