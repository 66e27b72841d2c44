#include "rag/search/ann_index.h"

#include "base/check.h"
#include "rag/search/hnsw.h"
#include "rag/search/ivf_pq.h"

namespace nibble::rag {

std::unique_ptr<AnnIndex> make_ann_index(const AnnSettings& settings,
                                         const AnnLimits& limits,
                                         ThreadPool& pool) {
  NIBBLE_CHECK(settings.kind != AnnKind::kFlat, "make_ann_index: flat is made by dense.h");
  if (settings.kind == AnnKind::kHnsw) {
    return make_hnsw(settings, limits, pool);
  }
  return make_ivf_pq(settings, limits, pool);
}

std::unique_ptr<AnnIndex> read_ann_index(ByteSource& from,
                                         const AnnSettings& settings,
                                         std::size_t n,
                                         const AnnLimits& limits,
                                         ThreadPool& pool) {
  NIBBLE_CHECK(settings.kind != AnnKind::kFlat && n <= limits.capacity,
               "read_ann_index: flat, or more vectors than may be");
  if (settings.kind == AnnKind::kHnsw) {
    return read_hnsw(from, settings, n, limits, pool);
  }
  return read_ivf_pq(from, settings, n, limits, pool);
}

}  // namespace nibble::rag
