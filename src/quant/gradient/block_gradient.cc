#include "quant/gradient/block_gradient.h"

#include <algorithm>

#include "base/check.h"
#include "model/layers/attention_block.h"
#include "quant/gradient/attention.h"
#include "quant/products.h"
#include "quant/solve/parallel_for.h"

namespace nibble::quant {
namespace {

constexpr std::array<std::string_view, kBlockLinears> kNames = {"self_attn.q_proj.weight",
                                                                "self_attn.k_proj.weight",
                                                                "self_attn.v_proj.weight",
                                                                "self_attn.o_proj.weight",
                                                                "mlp.gate_proj.weight",
                                                                "mlp.up_proj.weight",
                                                                "mlp.down_proj.weight"};
constexpr std::size_t kRowsPerTask = 32;

std::size_t index(BlockLinear linear) noexcept {
  return static_cast<std::size_t>(linear);
}

/// c = a + b
template <class T>
void add(MatrixView<const T> a, MatrixView<const T> b, MatrixView<T> c, ThreadPool& pool) {
  parallel_for(pool, c.rows, kRowsPerTask, [&](std::size_t r) {
    for (std::size_t i = 0; i < c.cols; ++i) {
      c(r, i) = a(r, i) + b(r, i);
    }
  });
}

/// The heads of all rows, one a row.
template <class T>
MatrixView<T> heads_of(MatrixView<T> x, std::size_t dim) {
  return {x.data, x.rows * x.cols / dim, dim};
}

/// Nothing where `to` has no data.
template <class T>
void copy_rows(MatrixView<T> from, MatrixView<T> to) {
  for (std::size_t r = 0; to.data != nullptr && r < from.rows; ++r) {
    std::copy_n(from.row(r), from.cols, to.row(r));
  }
}

template <class T>
MatrixView<const T> read_only(MatrixView<T> x) {
  return x;
}

template <class T>
std::span<const T> read_only(const std::vector<T>& x) {
  return x;
}

}  // namespace

std::string_view block_linear_name(std::size_t linear) noexcept {
  return kNames[linear];
}

template <class T>
BlockGradient<T>::BlockGradient(const DecoderBlock& block, ThreadPool& pool)
    : config_(block.config()), pool_(pool), shape_(model::attention_shape(block.config(), 0)) {
  input_norm_ = vector_of(block, "input_layernorm.weight");
  mlp_norm_ = vector_of(block, block.norm_before(Site::kMlpIn));
  if (config_.sandwich_norms) {
    attention_norm_ = vector_of(block, "post_attention_layernorm.weight");
    output_norm_ = vector_of(block, "post_feedforward_layernorm.weight");
  }
  q_norm_ = vector_of(block, "self_attn.q_norm.weight");
  k_norm_ = vector_of(block, "self_attn.k_norm.weight");
  for (std::size_t i = 0; i < kBlockLinears; ++i) {
    const std::string_view stem = kNames[i].substr(0, kNames[i].rfind('.') + 1);
    bias_[i] = vector_of(block, std::string(stem) + "bias");
  }
}

template <class T>
std::vector<T> BlockGradient<T>::vector_of(const DecoderBlock& block, std::string_view name) const {
  if (!block.has(name)) {
    return {};
  }
  const auto values = block.weight(name);
  return {values.data, values.data + values.rows * values.cols};
}

template <class T>
MatrixView<T> BlockGradient<T>::kept(Kept what, std::size_t cols) {
  kept_[what].resize(rows_ * cols);
  return {kept_[what].data(), rows_, cols};
}

template <class T>
MatrixView<T> BlockGradient<T>::scratch(Scratch what, std::size_t cols) {
  scratch_[what].resize(std::max(scratch_[what].size(), rows_ * cols));
  return {scratch_[what].data(), rows_, cols};
}

template <class T>
void BlockGradient<T>::linear(BlockLinear which,
                              const Weights& weights,
                              MatrixView<const T> x,
                              MatrixView<T> y) {
  const std::vector<T>& bias = bias_[index(which)];
  if (!bias.empty()) {
    parallel_for(pool_, y.rows, kRowsPerTask, [&](std::size_t r) {
      std::copy(bias.begin(), bias.end(), y.row(r));
    });
  }
  product<T>(plain(x), transposed(weights[index(which)]), bias.empty() ? T{0} : T{1}, y, pool_);
}

template <class T>
void BlockGradient<T>::add_weight_gradient(BlockLinear which,
                                           MatrixView<const T> dy,
                                           MatrixView<const T> x,
                                           const WeightGradients& gradients) {
  const MatrixView<T> sum = gradients[index(which)];
  if (sum.data != nullptr) {
    product<T>(transposed(dy), plain(x), T{1}, sum, pool_);
  }
}

template <class T>
void BlockGradient<T>::project_heads(BlockLinear which,
                                     const Weights& weights,
                                     Kept raw,
                                     Kept final) {
  const bool is_query = which == BlockLinear::kQ;
  const std::size_t cols = is_query ? q_cols() : kv_cols();
  const auto out = kept(final, cols);
  const auto x = read_only(kept(kAttentionIn, config_.hidden));
  if (has_head_norm()) {
    const auto before = kept(raw, cols);
    linear(which, weights, x, before);
    norm_forward<T>(heads_of(before, config_.head_dim),
                    read_only(is_query ? q_norm_ : k_norm_),
                    epsilon(),
                    heads_of(out, config_.head_dim),
                    pool_);
  } else {
    linear(which, weights, x, out);
  }
  rope(*rope_, Turn::kForward, out, pool_);
}

template <class T>
void BlockGradient<T>::attention_branch(const Weights& weights, MatrixView<T> out) {
  project_heads(BlockLinear::kQ, weights, kQueriesRaw, kQueries);
  project_heads(BlockLinear::kK, weights, kKeysRaw, kKeys);
  const auto v = kept(kValues, kv_cols());
  linear(BlockLinear::kV, weights, kept(kAttentionIn, config_.hidden), v);
  const auto attended = kept(kAttended, q_cols());
  attention_forward<T>(
      shape_, window_, {kept(kQueries, q_cols()), kept(kKeys, kv_cols()), v}, attended, pool_);
  linear(BlockLinear::kO, weights, attended, out);
}

template <class T>
void BlockGradient<T>::mlp_branch(const Weights& weights, MatrixView<T> out) {
  const auto x = read_only(kept(kMlpIn, config_.hidden));
  const auto gate = kept(kGate, config_.intermediate);
  const auto up = kept(kUp, config_.intermediate);
  const auto gated = kept(kGated, config_.intermediate);
  linear(BlockLinear::kGate, weights, x, gate);
  linear(BlockLinear::kUp, weights, x, up);
  gate_forward<T>(config_.activation, gate, up, gated, pool_);
  linear(BlockLinear::kDown, weights, gated, out);
}

template <class T>
void BlockGradient<T>::forward(MatrixView<const T> hidden,
                               std::size_t window,
                               const Weights& weights,
                               MatrixView<T> out) {
  NIBBLE_CHECK(window > 0 && hidden.rows % window == 0, "rows are whole windows");
  rows_ = hidden.rows;
  if (!rope_ || window_ != window) {
    window_ = window;
    rope_.emplace(model::rope_frequencies(config_, 0), window);
  }
  norm_forward<T>(
      hidden, read_only(input_norm_), epsilon(), kept(kAttentionIn, hidden.cols), pool_);
  const auto branch = [&](Kept what, const std::vector<T>& norm, const auto& run) {
    const auto before =
        config_.sandwich_norms ? kept(what, hidden.cols) : scratch(kBranch, hidden.cols);
    run(before);
    const auto after = scratch(kBranch, hidden.cols);
    if (config_.sandwich_norms) {
      norm_forward<T>(before, read_only(norm), epsilon(), after, pool_);
    }
    return read_only(after);
  };
  const auto attention = branch(
      kAttentionOut, attention_norm_, [&](MatrixView<T> to) { attention_branch(weights, to); });
  const auto middle = kept(kMiddle, hidden.cols);
  add<T>(hidden, attention, middle, pool_);
  norm_forward<T>(middle, read_only(mlp_norm_), epsilon(), kept(kMlpIn, hidden.cols), pool_);
  const auto mlp =
      branch(kMlpOut, output_norm_, [&](MatrixView<T> to) { mlp_branch(weights, to); });
  add<T>(middle, mlp, out, pool_);
}

template <class T>
MatrixView<T> BlockGradient<T>::mlp_backward(const Weights& weights,
                                             MatrixView<T> d,
                                             const WeightGradients& gradients) {
  const std::size_t wide = config_.intermediate;
  const auto gate = kept(kGate, wide);
  const auto up = kept(kUp, wide);
  const auto x = read_only(kept(kMlpIn, config_.hidden));
  add_weight_gradient(BlockLinear::kDown, d, kept(kGated, wide), gradients);
  const auto d_gated = scratch(kWide, wide);
  product<T>(plain(d), plain(weights[index(BlockLinear::kDown)]), T{0}, d_gated, pool_);
  gate_backward<T>(config_.activation, d_gated, gate, up, pool_);
  add_weight_gradient(BlockLinear::kGate, gate, x, gradients);
  add_weight_gradient(BlockLinear::kUp, up, x, gradients);
  const auto dx = scratch(kNarrow, config_.hidden);
  product<T>(plain(gate), plain(weights[index(BlockLinear::kGate)]), T{0}, dx, pool_);
  product<T>(plain(up), plain(weights[index(BlockLinear::kUp)]), T{1}, dx, pool_);
  return dx;
}

template <class T>
void BlockGradient<T>::head_norm_backward(const std::vector<T>& norm, Kept raw, MatrixView<T> d) {
  if (has_head_norm()) {
    norm_backward<T>(heads_of(kept(raw, d.cols), config_.head_dim),
                     read_only(norm),
                     epsilon(),
                     heads_of(d, config_.head_dim),
                     pool_);
  }
}

template <class T>
void BlockGradient<T>::attention_backward_from(const Weights& weights,
                                               MatrixView<T> d,
                                               const WeightGradients& gradients,
                                               const KvGradients& kv) {
  const auto attended = kept(kAttended, q_cols());
  const auto x = read_only(kept(kAttentionIn, config_.hidden));
  add_weight_gradient(BlockLinear::kO, d, attended, gradients);
  const auto d_attended = scratch(kWide, q_cols());
  product<T>(plain(d), plain(weights[index(BlockLinear::kO)]), T{0}, d_attended, pool_);
  const AttentionGradients<T> to{
      scratch(kDQueries, q_cols()), scratch(kDKeys, kv_cols()), scratch(kDValues, kv_cols())};
  attention_backward<T>(
      shape_,
      window_,
      {kept(kQueries, q_cols()), kept(kKeys, kv_cols()), kept(kValues, kv_cols())},
      {attended, d_attended},
      to,
      pool_);
  rope(*rope_, Turn::kBackward, to.q, pool_);
  rope(*rope_, Turn::kBackward, to.k, pool_);
  copy_rows(to.k, kv.keys);
  copy_rows(to.v, kv.values);
  head_norm_backward(q_norm_, kQueriesRaw, to.q);
  head_norm_backward(k_norm_, kKeysRaw, to.k);
  add_weight_gradient(BlockLinear::kQ, to.q, x, gradients);
  add_weight_gradient(BlockLinear::kK, to.k, x, gradients);
  add_weight_gradient(BlockLinear::kV, to.v, x, gradients);
}

template <class T>
void BlockGradient<T>::backward(const Weights& weights,
                                MatrixView<T> dout,
                                const WeightGradients& gradients) {
  branches_backward(weights, dout, gradients, {});
}

template <class T>
void BlockGradient<T>::backward_to_input(const Weights& weights,
                                         MatrixView<const T> hidden,
                                         MatrixView<T> d,
                                         const KvGradients& kv) {
  branches_backward(weights, d, {}, kv);
  const auto dx = scratch(kNarrow, config_.hidden);
  const auto add_from = [&](BlockLinear which, Scratch from, std::size_t cols, T beta) {
    product<T>(plain(scratch(from, cols)), plain(weights[index(which)]), beta, dx, pool_);
  };
  add_from(BlockLinear::kQ, kDQueries, q_cols(), T{0});
  add_from(BlockLinear::kK, kDKeys, kv_cols(), T{1});
  add_from(BlockLinear::kV, kDValues, kv_cols(), T{1});
  norm_backward<T>(hidden, read_only(input_norm_), epsilon(), dx, pool_);
  add<T>(d, dx, d, pool_);
}

template <class T>
void BlockGradient<T>::branches_backward(const Weights& weights,
                                         MatrixView<T> dout,
                                         const WeightGradients& gradients,
                                         const KvGradients& kv) {
  NIBBLE_CHECK(dout.rows == rows_ && dout.cols == config_.hidden, "backward: shapes");
  const auto branch = scratch(kBranch, config_.hidden);
  const auto into_branch = [&](Kept what, const std::vector<T>& norm) {
    parallel_for(pool_, rows_, kRowsPerTask, [&](std::size_t r) {
      std::copy_n(dout.row(r), dout.cols, branch.row(r));
    });
    if (config_.sandwich_norms) {
      norm_backward<T>(kept(what, config_.hidden), read_only(norm), epsilon(), branch, pool_);
    }
  };
  into_branch(kMlpOut, output_norm_);
  const auto dx = mlp_backward(weights, branch, gradients);
  norm_backward<T>(kept(kMiddle, config_.hidden), read_only(mlp_norm_), epsilon(), dx, pool_);
  add<T>(dout, dx, dout, pool_);
  into_branch(kAttentionOut, attention_norm_);
  attention_backward_from(weights, branch, gradients, kv);
}

template class BlockGradient<float>;
template class BlockGradient<double>;

}  // namespace nibble::quant
