/// The calibration tokens on a device, on their way from one decoder block to the next.
///
/// Of all tokens only the residual stream is kept; what a site reads is made again, some windows at
/// a time, whenever it is wanted: to sum its second moment and to go on behind it. So a site costs
/// its products twice and the memory of the widest one never.
///
/// Shapes     hidden float [tokens, hidden], whole windows, each a sequence of its own
/// Precision  the stream is float32; what enters a product binary16, its sums float32
/// Errors     those of Device; kCancelled between parts
/// Source     quant/calibrate/decoder_block.h; model/device/decoder.h
#pragma once

#include <memory>
#include <optional>

#include "base/function_ref.h"
#include "quant/calibrate/block_tokens.h"
#include "quant/device/block.h"
#include "quant/device/moment.h"
#include "quant/device/products.h"

namespace nibble::quant {

/// Some of the tokens where a site reads them.
struct SiteInputs {
  const void* x = nullptr;  ///< half [n_tokens][cols]
  std::size_t first = 0;    ///< token
  std::size_t n_tokens = 0;
};

class DeviceWalk {
 public:
  /// `config` is that of the model; `tokens` are at the entrance of its first block.
  DeviceWalk(ops::Device& device, const model::ModelConfig& config, BlockTokens tokens);
  DeviceWalk(DeviceWalk&&) noexcept;
  ~DeviceWalk();

  /// What is done beside running blocks.
  struct Uses {
    bool moments = false;     ///< and their factors
    bool transforms = false;  ///< keep what a site reads and what it makes of that
  };
  /// Bytes on the device of the tokens and of what blocks of that model need beside them.
  static std::size_t bytes_needed(const model::ModelConfig& config,
                                  std::size_t n_tokens,
                                  std::size_t window,
                                  Uses uses);

  [[nodiscard]] std::size_t n_tokens() const noexcept { return n_tokens_; }
  [[nodiscard]] std::size_t window() const noexcept { return window_; }
  [[nodiscard]] std::size_t cols_at(Site site) const noexcept;
  /// float [n_tokens][hidden], where they are now.
  [[nodiscard]] const float* tokens() const noexcept { return hidden_.as<const float>(); }
  /// Another with the same tokens.
  [[nodiscard]] DeviceWalk twin() const;
  /// The tokens go where those of another walk over as many are.
  void take_tokens_of(const DeviceWalk& other);
  /// Gives back what a pass needs beside the tokens; the next one makes it again.
  void rest();
  /// Takes the tokens through the block. At each site, in order, `solve` gets the second moment of
  /// what is read there, or nullptr where `wants_moment` says no, and may replace weights that
  /// read it.
  void run(DeviceBlock& block,
           FunctionRef<bool(Site)> wants_moment,
           FunctionRef<void(Site, DeviceMoment*)> solve);
  /// The same without looking.
  void pass(DeviceBlock& block);

  /// Shows what is read at each site that `wants` names, some windows at a time; the tokens stay
  /// at the entrance of the block.
  void look(const DeviceBlock& block,
            FunctionRef<bool(Site)> wants,
            FunctionRef<void(Site, const SiteInputs&)> see);
  /// What the attention branch (attention_in) or the MLP branch (mlp_in) makes of what `look` has
  /// shown: float [n_tokens][hidden], without the residual, valid until the next call.
  const float* branch(const DeviceBlock& block, Site site, const SiteInputs& inputs);

 private:
  struct Buffers;
  DeviceWalk(ops::Device& device,
             const model::ModelConfig& config,
             std::size_t n_tokens,
             std::size_t window);
  /// Some windows.
  struct Part {
    float* hidden;
    std::size_t first;
    std::size_t n_tokens;
  };
  template <class F>
  void for_each_part(const F& f);
  const void* normalize(const DeviceBlock& block, Site site, Part part);
  /// What attention makes of normalized tokens, and what the gate does.
  const void* attend(const DeviceBlock& block, const void* x, std::size_t n_tokens);
  const void* gate(const DeviceBlock& block, const void* x, std::size_t n_tokens);
  /// What is read at the site, halves [tokens, cols].
  const void* reach(const DeviceBlock& block, Site site, Part part);
  /// The last products of the branches, for what is read at attention_out and mlp_out.
  void project(const DeviceBlock& block,
               Site site,
               const void* x,
               float* y,
               std::size_t n_tokens,
               Into into);

  ops::Device& device_;
  model::ModelConfig config_;  ///< of a model with one layer
  std::size_t n_tokens_, window_;
  ops::DeviceBuffer hidden_;
  std::unique_ptr<Buffers> buffers_;  ///< while there are passes
};

}  // namespace nibble::quant
