/// The calibration tokens on their way through one block, in parts that run at once.
///
/// Shapes     hidden [tokens, hidden], whole windows
/// Errors     kCancelled between parts
/// Source     our own
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "base/cancel.h"
#include "quant/calibrate/decoder_block.h"

namespace nibble::quant {

class BlockTokens {
 public:
  BlockTokens(std::vector<float> hidden, std::size_t cols, std::size_t window)
      : hidden_(std::move(hidden)), cols_(cols), window_(window) {}

  [[nodiscard]] std::size_t size() const noexcept {
    return cols_ == 0 ? 0 : hidden_.size() / cols_;
  }
  [[nodiscard]] std::size_t window() const noexcept { return window_; }
  [[nodiscard]] MatrixView<float> hidden() noexcept { return {hidden_.data(), size(), cols_}; }

  /// Calls f(rows, first) for each part; `first` is its first token.
  template <class F>
  void for_each_part(const DecoderBlock& block, const F& f) {
    const std::size_t part = std::max<std::size_t>(1, kTokensAtOnce / window_) * window_;
    for (std::size_t first = 0; first < size(); first += part) {
      cancel_flag().check();
      f(rows(block, first, std::min(part, size() - first)), first);
    }
  }

  /// `n` tokens on their way through the block, whole windows; the first call for a block comes
  /// before any of its sites.
  [[nodiscard]] BlockRows rows(const DecoderBlock& block, std::size_t first, std::size_t n) {
    inner_.resize(size() * block.inner_cols());
    const MatrixView<float> inner(inner_.data(), size(), block.inner_cols());
    return {hidden().rows_from(first, n), inner.rows_from(first, n), window_};
  }

 private:
  /// Enough to fill the kernels, few enough for small scratch.
  static constexpr std::size_t kTokensAtOnce = 2048;

  std::vector<float> hidden_;
  std::vector<float> inner_;  ///< made again in each block
  std::size_t cols_, window_;
};

}  // namespace nibble::quant
