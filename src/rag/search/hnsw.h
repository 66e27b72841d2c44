/// A graph of near neighbours in levels, through hnswlib.
///
/// A passage's level depends on its number alone, so that passages added later give the graph that
/// all at once would have given. The links are ours to store and to check: hnswlib's own files are
/// read without a check, and hold the vectors again.
///
/// Shapes     vectors [n, dims]
/// Precision  scores are exact products; which passages are found is not
/// Threads    ann_index.h
/// Errors     ann_index.h
/// Source     Malkov and Yashunin 2016, arXiv 1603.09320; hnswlib 0.6.2
#pragma once

#include <memory>

#include "rag/search/ann_index.h"

namespace nibble::rag {

std::unique_ptr<AnnIndex> make_hnsw(const AnnSettings& settings,
                                    const AnnLimits& limits,
                                    ThreadPool& pool);
std::unique_ptr<AnnIndex> read_hnsw(ByteSource& from,
                                    const AnnSettings& settings,
                                    std::size_t n,
                                    const AnnLimits& limits,
                                    ThreadPool& pool);

}  // namespace nibble::rag
