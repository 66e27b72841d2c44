/// What kind of index finds the nearest vectors, and how it is made and searched.
///
///   flat                               every vector is scored: exact
///   hnsw:M=16,efConstruction=200       a graph of neighbours in levels
///   ivf-pq:nlist=1024,m=48             lists around centroids, vectors as m codes of 8 bits
///
/// Units      M: links of a passage on a level, twice as many on the lowest; efConstruction:
///            candidates while it is built; nlist: lists; m: codes of a vector, divides its
///            dimension. 0: chosen by the number of passages
/// Errors     kInvalidArgument: an unknown kind or key, a value out of range, an m that does not
///            divide
/// Source     HNSW: Malkov and Yashunin 2016, arXiv 1603.09320; IVF-PQ: Jegou, Douze and Schmid
///            2011, IEEE TPAMI 33(1); defaults: our own, docs/results/retrieval.md
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace nibble::rag {

enum class AnnKind : std::uint8_t { kFlat, kHnsw, kIvfPq };

struct AnnSettings {
  AnnKind kind = AnnKind::kFlat;
  std::size_t links = 0;            ///< M
  std::size_t ef_construction = 0;  ///< efConstruction
  std::size_t n_lists = 0;          ///< nlist
  std::size_t n_codes = 0;          ///< m

  static Result<AnnSettings> parse(std::string_view text);
  /// What `parse` reads; values that are 0 are left out.
  [[nodiscard]] std::string text() const;
  /// Every value chosen, for `n` > 0 vectors of `dims`.
  [[nodiscard]] Result<AnnSettings> resolved(std::size_t n, std::size_t dims) const;
  /// True where `made`, with every value chosen, is what is asked for here.
  [[nodiscard]] bool allows(const AnnSettings& made) const noexcept;
  /// Bytes that making the index takes at most, every value chosen. A bound by what is allocated,
  /// without the allocator's own.
  [[nodiscard]] double build_bytes(std::size_t n, std::size_t dims) const noexcept;
  /// ivf-pq: vectors that the centroids are learned from.
  [[nodiscard]] std::size_t n_training(std::size_t n) const noexcept;

  bool operator==(const AnnSettings&) const = default;
};

/// How hard is looked; 0: by default.
struct AnnSearch {
  std::size_t ef_search = 0;  ///< hnsw: candidates; 64, and never fewer than are wanted
  std::size_t n_probes = 0;   ///< ivf-pq: lists that are read; a sixteenth, at least 8
};

}  // namespace nibble::rag
