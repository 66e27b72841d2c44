/// Keys and values of running sequences, in pages that forks share.
///
/// A sequence is a list of pages. `fork` shares the pages of the parent; a partial last page is
/// copied when one of its users goes on, so requests with a common prefix compute and store it
/// once.
///
/// Layout     a page holds, for each layer, K then V, each [n_kv_heads, kPageTokens, head_dim]
/// Threads    not thread-safe; one cache belongs to one engine
/// Errors     `extend` throws kOutOfMemory with the sizes when the budget is exhausted
/// Source     paging: Kwon et al. 2023, arXiv 2309.06180; our own code
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "model/config.h"
#include "ops/attention.h"
#include "tensor/dtype.h"

namespace nibble::model {

inline constexpr std::size_t kPageTokens = 64;

using SequenceId = std::uint32_t;

class KvCache {
 public:
  /// `max_bytes` bounds all pages together; pages are allocated on demand.
  KvCache(const ModelConfig& config, DType dtype, std::size_t max_bytes);
  ~KvCache();
  KvCache(KvCache&& other) noexcept;
  KvCache& operator=(KvCache&& other) noexcept;

  SequenceId create();
  /// A new sequence with the first `n_tokens` tokens of `parent` (all of them by default).
  SequenceId fork(SequenceId parent);
  SequenceId fork(SequenceId parent, std::size_t n_tokens);
  void drop(SequenceId sequence);
  /// Forgets everything behind the first `n_tokens` tokens.
  void truncate(SequenceId sequence, std::size_t n_tokens);

  [[nodiscard]] std::size_t length(SequenceId sequence) const;
  /// Makes room for `n_tokens` more and counts them; the caller fills them through `pages`.
  void extend(SequenceId sequence, std::size_t n_tokens);
  /// The sequence's pages of one layer, in order.
  [[nodiscard]] std::vector<ops::KvPageView> pages(SequenceId sequence, std::size_t layer) const;

  [[nodiscard]] DType dtype() const noexcept;
  [[nodiscard]] std::size_t bytes_in_use() const noexcept;
  [[nodiscard]] static std::size_t bytes_per_token(const ModelConfig& config, DType dtype);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nibble::model
