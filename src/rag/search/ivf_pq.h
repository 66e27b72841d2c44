/// Lists of vectors around centroids, each vector as the codes of what it differs by from its
/// centroid.
///
///   score(q, i) = q . c[list of i] + sum over j of q_j . code_j[i]
///
/// q_j is the j-th of m parts of q, code_j the nearest of 256 vectors learned for that part. A
/// search reads the lists whose centroids are nearest to the question: by distance, as vectors came
/// into them.
///
/// Shapes     vectors [n, dims], m divides dims
/// Precision  scores are those of codes: rescore (dense.h)
/// Threads    ann_index.h
/// Errors     ann_index.h
/// Source     Jegou, Douze and Schmid 2011, IEEE TPAMI 33(1): IVFADC
#pragma once

#include <memory>

#include "rag/search/ann_index.h"

namespace nibble::rag {

std::unique_ptr<AnnIndex> make_ivf_pq(const AnnSettings& settings,
                                      const AnnLimits& limits,
                                      ThreadPool& pool);
std::unique_ptr<AnnIndex> read_ivf_pq(ByteSource& from,
                                      const AnnSettings& settings,
                                      std::size_t n,
                                      const AnnLimits& limits,
                                      ThreadPool& pool);

}  // namespace nibble::rag
