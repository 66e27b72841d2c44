/// A decoder block forwards and backwards: the gradients of its linear layers' weights, or those of
/// its input, keys and values.
///
///   h1 = h0 + W_o attention(rope(norm(W_q n)), rope(norm(W_k n)), W_v n),   n = norm(h0)
///   h2 = h1 + W_down (f(W_gate m) * W_up m),                                m = norm(h1)
///
/// with the biases, head norms and norms behind the branches that the architecture has.
///
/// Shapes     hidden, out, dout [rows, hidden]; rows are whole windows of `window` tokens, each a
///            sequence of its own from position 0
/// Precision  that of T: float to work with, double to check the formulas by finite differences
/// Threads    one call at a time; equal results for any number of threads
/// Source     our own; a test holds `forward` to calibrate/decoder_block
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/thread_pool.h"
#include "model/config.h"
#include "ops/attention.h"
#include "quant/calibrate/decoder_block.h"
#include "quant/gradient/elementwise.h"
#include "tensor/matrix_view.h"

namespace nibble::quant {

enum class BlockLinear : std::uint8_t { kQ, kK, kV, kO, kGate, kUp, kDown };
inline constexpr std::size_t kBlockLinears = 7;
/// Names within the block, "self_attn.q_proj.weight", in the order of the enumerators.
std::string_view block_linear_name(std::size_t linear) noexcept;

template <class T>
class BlockGradient {
 public:
  using Weights = std::array<MatrixView<const T>, kBlockLinears>;
  /// Without data where a gradient is not wanted.
  using WeightGradients = std::array<MatrixView<T>, kBlockLinears>;
  /// [rows, n_kv_heads * head_dim]: of keys behind their head norm and before RoPE, of values.
  struct KvGradients {
    MatrixView<T> keys = {}, values = {};
  };

  /// Biases and norms are those of `block`.
  BlockGradient(const DecoderBlock& block, ThreadPool& pool);

  /// Keeps what `backward` needs.
  void forward(MatrixView<const T> hidden,
               std::size_t window,
               const Weights& weights,
               MatrixView<T> out);
  /// For the rows of the last `forward`. Gradients are added; `dout` is spoilt.
  void backward(const Weights& weights, MatrixView<T> dout, const WeightGradients& gradients);
  /// For `hidden` of the last `forward`: `d` is the gradient of its output, and becomes that of
  /// `hidden`. Writes `kv`.
  void backward_to_input(const Weights& weights,
                         MatrixView<const T> hidden,
                         MatrixView<T> d,
                         const KvGradients& kv);

 private:
  /// What a pass keeps; k and v have the width of keys, the others that of their name.
  enum Kept : std::size_t {
    kAttentionIn,  ///< n
    kQueriesRaw,   ///< in front of the head norm; only where there is one
    kKeysRaw,
    kQueries,  ///< behind RoPE
    kKeys,
    kValues,
    kAttended,
    kAttentionOut,  ///< in front of the norm behind the branch; only where there is one
    kMiddle,        ///< h1
    kMlpIn,         ///< m
    kGate,
    kUp,
    kGated,
    kMlpOut,  ///< as kAttentionOut
    kKept
  };
  /// Gradients on their way.
  enum Scratch : std::size_t { kBranch, kWide, kNarrow, kDQueries, kDKeys, kDValues, kScratch };

  std::vector<T> vector_of(const DecoderBlock& block, std::string_view name) const;
  MatrixView<T> kept(Kept what, std::size_t cols);
  MatrixView<T> scratch(Scratch what, std::size_t cols);
  [[nodiscard]] bool has_head_norm() const noexcept { return !q_norm_.empty(); }
  [[nodiscard]] std::size_t q_cols() const { return config_.n_heads * config_.head_dim; }
  [[nodiscard]] std::size_t kv_cols() const { return config_.n_kv_heads * config_.head_dim; }
  [[nodiscard]] T epsilon() const { return T{config_.norm_epsilon}; }

  /// y = x W^T + b
  void linear(BlockLinear which, const Weights& weights, MatrixView<const T> x, MatrixView<T> y);
  /// dW += dy^T x
  void add_weight_gradient(BlockLinear which,
                           MatrixView<const T> dy,
                           MatrixView<const T> x,
                           const WeightGradients& gradients);
  void attention_branch(const Weights& weights, MatrixView<T> out);
  void mlp_branch(const Weights& weights, MatrixView<T> out);
  /// q or k from the linear layer to its place behind RoPE.
  void project_heads(BlockLinear which, const Weights& weights, Kept raw, Kept final);
  void head_norm_backward(const std::vector<T>& norm, Kept raw, MatrixView<T> d);
  /// The gradient of the MLP's input, from that of its output; `d` is spoilt.
  MatrixView<T> mlp_backward(const Weights& weights,
                             MatrixView<T> d,
                             const WeightGradients& gradients);
  void attention_backward_from(const Weights& weights,
                               MatrixView<T> d,
                               const WeightGradients& gradients,
                               const KvGradients& kv);
  /// From the output to the entrance of the attention's projections.
  void branches_backward(const Weights& weights,
                         MatrixView<T> dout,
                         const WeightGradients& gradients,
                         const KvGradients& kv);

  const model::ModelConfig config_;
  ThreadPool& pool_;
  ops::AttentionShape shape_;
  std::vector<T> input_norm_, attention_norm_, mlp_norm_, output_norm_;  ///< in the order of use
  std::vector<T> q_norm_, k_norm_;
  std::array<std::vector<T>, kBlockLinears> bias_;
  std::optional<RopeTable<T>> rope_;
  std::size_t rows_ = 0, window_ = 0;
  std::array<std::vector<T>, kKept> kept_;
  std::array<std::vector<T>, kScratch> scratch_;
};

}  // namespace nibble::quant
