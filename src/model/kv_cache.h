/// Keys and values of running sequences, in pages that forks share.
///
/// A sequence is a list of pages. `fork` shares the pages of the parent; a partial last page is
/// copied when one of its users goes on, so requests with a common prefix compute and store it
/// once.
///
/// With a scheme that codes, pages hold blocks of codes (codec/kv/page.h). Floats that the scheme
/// keeps lie in pages beside them; those that no later token sees are given back.
///
/// Layout     a page holds, for each layer, K then V, each [n_kv_heads, kPageTokens, head_dim], or
///            a block each
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
#include "model/kv_setup.h"
#include "ops/attention.h"
#include "tensor/dtype.h"

namespace nibble::model {

inline constexpr std::size_t kPageTokens = 64;

using SequenceId = std::uint32_t;

class PageMemory;

class KvCache {
 public:
  /// `max_bytes` bounds all pages together; pages are allocated on demand.
  KvCache(const ModelConfig& config, DType dtype, std::size_t max_bytes);
  /// `memory` is where the pages lie; nullptr: the host's.
  KvCache(const ModelConfig& config,
          const KvSetup& setup,
          std::size_t max_bytes,
          std::shared_ptr<PageMemory> memory = nullptr);
  ~KvCache();
  KvCache(KvCache&& other) noexcept;
  KvCache& operator=(KvCache&& other) noexcept;

  SequenceId create();
  /// A new sequence with the first `n_tokens` tokens of `parent` (all of them by default).
  SequenceId fork(SequenceId parent);
  SequenceId fork(SequenceId parent, std::size_t n_tokens);
  /// Whether the floats that a fork of that length goes on with are still there: always those of
  /// the parent's full length.
  [[nodiscard]] bool can_fork(SequenceId parent, std::size_t n_tokens) const;
  void drop(SequenceId sequence);
  /// Forgets everything behind the first `n_tokens` tokens.
  void truncate(SequenceId sequence, std::size_t n_tokens);

  [[nodiscard]] std::size_t length(SequenceId sequence) const;
  /// Makes room for `n_tokens` more and counts them; the caller fills them through `pages`.
  void extend(SequenceId sequence, std::size_t n_tokens);
  /// The sequence's pages of one layer, in order.
  [[nodiscard]] std::vector<ops::KvPageView> pages(SequenceId sequence, std::size_t layer) const;

  /// Floats beside the pages, null where none are kept; nothing where the scheme keeps none.
  [[nodiscard]] std::vector<ops::KvPageView> floats(SequenceId sequence, std::size_t layer) const;

  [[nodiscard]] const KvSetup& setup() const noexcept;
  [[nodiscard]] DType dtype() const noexcept;  ///< of floats
  /// How the layer's pages are coded; nullptr where they are floats.
  [[nodiscard]] const ops::KvCoding* coding(std::size_t layer) const;
  [[nodiscard]] std::size_t bytes_in_use() const noexcept;
  [[nodiscard]] static std::size_t bytes_per_token(const ModelConfig& config, DType dtype);
  /// Of pages, without the floats beside them.
  [[nodiscard]] std::size_t bytes_per_token() const noexcept;
  /// Bytes that a sequence of `n_tokens`, of which `n_new` come at once, takes at most.
  [[nodiscard]] std::size_t bytes_for(std::size_t n_tokens, std::size_t n_new) const noexcept;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace nibble::model
