/// Search among vectors: the products of a question with all of them, and the best.
///
///   score(q, i) = q . v[i]
///
/// The vectors of an index are the weight of a linear layer, so they are stored and multiplied by
/// the same codecs and kernels as a language model's weights: float32, or codes of 8 and fewer bits
/// ("int8g32s", "int4g32a", …). "binary" keeps the sign bits alone and counts those that agree. The
/// best candidates of codes can be scored again with the exact vectors.
///
/// Shapes     vectors [n, dims]; questions [n_questions, dims]
/// Precision  without codec: float32 products
/// Threads    one search at a time; splits over the pool
/// Errors     kUnsupported for a codec that "nearest" cannot fill
/// Source     rescoring: Yamada et al. 2021, arXiv 2106.00882 (binary); our own
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "ops/linear.h"
#include "rag/search/ranking.h"
#include "tensor/matrix_view.h"

namespace nibble::rag {

inline constexpr std::string_view kBinaryCodec = "binary";

class DenseIndex {
 public:
  virtual ~DenseIndex() = default;
  /// The `k` best for each question.
  virtual std::vector<std::vector<Hit>> search(MatrixView<const float> questions,
                                               std::size_t k) const = 0;
  /// False where scores are those of codes, which the exact vectors correct.
  [[nodiscard]] virtual bool is_exact() const noexcept = 0;
  /// Bytes of the vectors in memory.
  [[nodiscard]] virtual std::size_t n_bytes() const noexcept = 0;
};

/// `codec` "" keeps float32.
std::unique_ptr<DenseIndex> make_flat_index(MatrixView<const float> vectors,
                                            const std::string& codec,
                                            ThreadPool& pool);

/// The exact vector of an item.
using ExactVector = std::function<std::vector<float>(std::uint32_t item)>;
/// The `k` best of the hits by their exact scores.
std::vector<Hit> rescore(std::span<const float> question,
                         std::vector<Hit> hits,
                         std::size_t k,
                         const ExactVector& exact);

}  // namespace nibble::rag
