/// An index that finds most of the nearest vectors without scoring all of them.
///
/// Vectors come in order and are items 0, 1, …; what was learned about them (links, centroids,
/// codes) can be written, and be read back for the same vectors, so that more can be added behind.
/// The same vectors in the same order give the same index, whether they came at once or in parts,
/// read back between them or not.
///
/// Shapes     vectors [n, dims]
/// Layout     docs/formats/ann.md
/// Threads    one call at a time; searches split questions over the pool; hnsw is built by one
///            thread, so that it does not depend on their number
/// Errors     kCorruptData from `read_ann_index` for bytes that contradict themselves or `limits`;
///            kOutOfMemory; kCancelled from `add` and `train`
/// Source     docs/decisions/0034-nearest-neighbours.md
#pragma once

#include <cstddef>
#include <memory>

#include "base/byte_stream.h"
#include "base/thread_pool.h"
#include "rag/search/ann_settings.h"
#include "rag/search/dense.h"

namespace nibble::rag {

class AnnIndex : public DenseIndex {
 public:
  /// Vectors, evenly chosen among all, that `train` wants before the first `add`; 0: none, or done.
  [[nodiscard]] virtual std::size_t n_training() const noexcept = 0;
  virtual void train(MatrixView<const float> sample) = 0;
  /// Takes the next vectors. Of those that the index was read back for it may keep the vector.
  virtual void add(MatrixView<const float> vectors) = 0;
  /// Vectors that it holds.
  [[nodiscard]] virtual std::size_t size() const noexcept = 0;
  virtual void write(ByteSink& to) const = 0;
  virtual void set_search(const AnnSearch& search) noexcept = 0;
};

struct AnnLimits {
  std::size_t capacity = 0;  ///< vectors that it will hold at most
  std::size_t dims = 0;
};

/// An empty one. `settings` is hnsw or ivf-pq, with every value chosen.
std::unique_ptr<AnnIndex> make_ann_index(const AnnSettings& settings,
                                         const AnnLimits& limits,
                                         ThreadPool& pool);
/// What `write` wrote of an index of these settings over `n` vectors; they must be added next.
std::unique_ptr<AnnIndex> read_ann_index(ByteSource& from,
                                         const AnnSettings& settings,
                                         std::size_t n,
                                         const AnnLimits& limits,
                                         ThreadPool& pool);

}  // namespace nibble::rag
