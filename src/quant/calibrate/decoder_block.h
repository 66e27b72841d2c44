/// One decoder block in float32, cut where methods look at the inputs of its linear layers.
///
///   site           inputs of                    x there
///   attention_in   q_proj, k_proj, v_proj       norm(hidden)
///   attention_out  o_proj                       attention, rotated where the runtime of the model
///                                               says so
///   mlp_in         gate_proj, up_proj           norm(hidden + attention branch)
///   mlp_out        down_proj                    activation(gate) * up, rotated likewise
///
/// `reach` takes a set of rows from one site to the next, `leave` from the last one out of the
/// block. Between two sites the weights that lie ahead may change. Each linear layer runs once.
///
/// Shapes     hidden [rows, hidden]; inner [rows, inner_cols()]; rows are whole windows of
///            `window` tokens, each a sequence of its own from position 0
/// Precision  that of the ops in float32 arithmetic; activations are not rounded, whatever the
///            runtime says
/// Threads    one call at a time
/// Errors     those of loading weights; kShapeMismatch when a weight of another size is set
/// Source     the same walk as model/architectures, cut into steps; a test holds them together
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/thread_pool.h"
#include "io/checkpoint.h"
#include "model/config.h"
#include "model/weights.h"
#include "ops/linear.h"
#include "tensor/matrix_view.h"

namespace nibble::quant {

enum class Site : std::uint8_t { kAttentionIn, kAttentionOut, kMlpIn, kMlpOut };
inline constexpr std::array kSites = {
    Site::kAttentionIn, Site::kAttentionOut, Site::kMlpIn, Site::kMlpOut};

/// Columns of what is read at a site.
std::size_t cols_at_site(const model::ModelConfig& config, Site site) noexcept;

/// The linear layers that read x at a site, by their names within the block:
/// "self_attn.q_proj.weight".
std::span<const std::string_view> linears_at(Site site) noexcept;

/// The rows that flow: the residual stream, and what attention or gate made of it.
struct BlockRows {
  MatrixView<float> hidden;
  MatrixView<float> inner;
  std::size_t window = 0;
};

class DecoderBlock {
 public:
  /// Weights are set one by one; biases and norms are those of `weights`.
  DecoderBlock(const model::ModelConfig& config, std::size_t layer, ThreadPool& pool);
  static DecoderBlock load(const io::Checkpoint& checkpoint,
                           const model::ModelConfig& config,
                           std::size_t layer,
                           ThreadPool& pool);

  /// Of a model with this layer alone.
  [[nodiscard]] const model::ModelConfig& config() const noexcept { return config_; }
  /// The weights of the block as model::list_weights describes them.
  [[nodiscard]] const std::vector<model::WeightInfo>& list() const noexcept { return list_; }
  /// "mlp.up_proj.weight" of "model.layers.3.mlp.up_proj.weight".
  [[nodiscard]] static std::string_view short_name(std::string_view canonical) noexcept;

  [[nodiscard]] bool has(std::string_view name) const { return weights_.contains(name); }
  [[nodiscard]] MatrixView<const float> weight(std::string_view name) const;
  void set_weight(std::string_view name, std::vector<float> values);

  /// Columns that `inner` needs.
  [[nodiscard]] std::size_t inner_cols() const noexcept;
  [[nodiscard]] std::size_t cols_at(Site site) const noexcept;
  /// The norm that makes x at attention_in or mlp_in.
  [[nodiscard]] std::string_view norm_before(Site site) const noexcept;

  /// x at `site`, valid until the next call; the rows were at the site before.
  MatrixView<const float> reach(Site site, const BlockRows& rows);
  /// Behind the last site: hidden is the block's output.
  void leave(const BlockRows& rows);

  /// Module outputs for x at a site, without the residual: attention branch for attention_in, MLP
  /// branch for mlp_in, the product with the layer's weight for the others.
  void attention_branch(MatrixView<const float> x, std::size_t window, MatrixView<float> out);
  /// Keys, normalized but not rotated, and values for x at attention_in.
  void project_kv(MatrixView<const float> x, MatrixView<float> k, MatrixView<float> v);
  void mlp_branch(MatrixView<const float> x, MatrixView<float> out);
  void apply(std::string_view linear, MatrixView<const float> x, MatrixView<float> out);

 private:
  struct Weight {
    model::WeightInfo info;
    std::vector<float> values;
    std::optional<ops::Linear> packed;  ///< linear layers, made when they run
  };

  Weight& at(std::string_view name);
  [[nodiscard]] const Weight& at(std::string_view name) const;
  [[nodiscard]] std::span<const float> vector(std::string_view name) const {
    return at(name).values;
  }
  MatrixView<float> scratch(std::size_t slot, std::size_t rows, std::size_t cols);
  void attend(MatrixView<const float> x, std::size_t window, MatrixView<float> out);
  void gate(MatrixView<const float> x, MatrixView<float> out);
  void normalize_heads(std::string_view norm, MatrixView<float> x);
  /// hidden += norm(linear(inner))
  void add_branch(std::string_view linear,
                  std::string_view norm,
                  MatrixView<const float> inner,
                  MatrixView<float> hidden);

  model::ModelConfig config_;  ///< of a model with this layer alone
  ThreadPool& pool_;
  std::vector<model::WeightInfo> list_;
  std::map<std::string, Weight, std::less<>> weights_;
  std::array<std::vector<float>, 6> scratch_;
};

}  // namespace nibble::quant
