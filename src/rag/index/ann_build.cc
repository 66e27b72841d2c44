#include "rag/index/ann_build.h"

#include <chrono>
#include <limits>
#include <memory>

#include "base/check.h"
#include "base/error.h"
#include "rag/index/ann_store.h"

namespace nibble::rag {
namespace {

/// Vectors between two times that the index is stored.
constexpr std::size_t kStored = 100'000;
/// Vectors that are added together.
constexpr std::size_t kAdded = 1'024;

/// What is wanted of a file that has `n` passages.
struct Wanted {
  AnnRecord record;      ///< what the file has
  AnnSettings asked;     ///< by the caller, or as before
  AnnSettings resolved;  ///< every value chosen
  std::size_t n = 0;
};

Wanted wanted_of(IndexFile& index, const AnnRequest& request) {
  Wanted out;
  try {
    out.record = read_ann_record(index);
  } catch (const Error& error) {  // damaged: made anew, where it is known what
    if (error.code() != ErrorCode::kCorruptData || !request.settings) {
      throw;
    }
  }
  out.asked = request.settings ? *request.settings : out.record.asked;
  out.n = index.counts().n_passages;
  if (out.asked.kind == AnnKind::kFlat) {
    return out;
  }
  if (index.settings().dims == 0) {
    raise(ErrorCode::kInvalidArgument,
          "index '{}' is one of vectors, which an encoder makes: give --encoder, or --index flat",
          out.asked.text());
  }
  if (out.n > 0) {
    out.resolved = out.asked.resolved(out.n, index.settings().dims).take();
  }
  return out;
}

/// "6.07 MB", "1674 MB".
std::string megabytes(double bytes) {
  return bytes < 1e7 ? fmt::format("{:.2f} MB", bytes / 1e6)
                     : fmt::format("{:.0f} MB", bytes / 1e6);
}

void check_memory(const Wanted& wanted, std::size_t dims, double allowed) {
  const double needed = wanted.resolved.build_bytes(wanted.n, dims);
  if (allowed <= 0.0 || wanted.n == 0 || needed <= allowed) {
    return;
  }
  const bool is_hnsw = wanted.resolved.kind == AnnKind::kHnsw;
  const AnnSettings other{.kind = is_hnsw ? AnnKind::kIvfPq : AnnKind::kHnsw};
  raise(ErrorCode::kOutOfMemory,
        "index {} of {} vectors of {} dimensions takes {} to build, {} are allowed; {} takes {}, "
        "flat none",
        wanted.resolved.text(),
        wanted.n,
        dims,
        megabytes(needed),
        megabytes(allowed),
        is_hnsw ? "ivf-pq" : "hnsw",
        megabytes(other.resolved(wanted.n, dims).take().build_bytes(wanted.n, dims)));
}

/// True where the vectors that the stored index was made for still are the first ones.
bool fits_vectors(IndexFile& index, const AnnRecord& record) {
  VectorsHash hash;
  index.for_each_vector(record.n, [&](std::span<const float> vector) { hash.add(vector); });
  return hash.size() == record.n && hash.hex() == record.vectors_hash;
}

/// True where the stored index, more vectors added, is what is wanted.
bool can_go_on(IndexFile& index, const Wanted& wanted) {
  const AnnRecord& record = wanted.record;
  const bool is_outgrown =
      record.made.kind == AnnKind::kIvfPq && wanted.n > 2 * record.n_at_training;
  return record.made.kind != AnnKind::kFlat && wanted.asked.allows(record.made) &&
         record.n <= wanted.n && !is_outgrown && fits_vectors(index, record);
}

/// Adds the vectors of the file to `ann` and stores it, now and then and at the end.
void feed(IndexFile& index, AnnIndex& ann, AnnRecord record, ProgressSink& progress) {
  const std::size_t n_known = record.n;
  VectorsHash hash;
  std::vector<float> block;
  const std::size_t dims = index.settings().dims;
  const auto flush = [&] {
    const MatrixView<const float> view(block.data(), block.size() / dims, dims);
    ann.add(view);
    progress.advance(view.rows);
    block.clear();
  };
  const auto store = [&] {
    record.n = ann.size();
    record.vectors_hash = hash.hex();
    write_ann(index, record, &ann);
  };
  index.for_each_vector(std::numeric_limits<std::size_t>::max(),
                        [&](std::span<const float> vector) {
                          hash.add(vector);
                          block.insert(block.end(), vector.begin(), vector.end());
                          if (hash.size() % kAdded == 0) {
                            flush();
                            if (hash.size() >= record.n + kStored && hash.size() > n_known) {
                              store();
                            }
                          }
                        });
  flush();
  store();
}

/// Vectors at equal distances among all.
std::vector<float> sample_of(IndexFile& index, std::size_t n_wanted, std::size_t n) {
  std::vector<float> out;
  out.reserve(n_wanted * index.settings().dims);
  std::size_t item = 0;
  std::size_t n_taken = 0;
  index.for_each_vector(n, [&](std::span<const float> vector) {
    if (n_taken < n_wanted && item++ == n_taken * n / n_wanted) {
      out.insert(out.end(), vector.begin(), vector.end());
      ++n_taken;
    }
  });
  return out;
}

std::unique_ptr<AnnIndex> new_index(IndexFile& index,
                                    const Wanted& wanted,
                                    ThreadPool& pool,
                                    ProgressSink& progress) {
  const std::size_t dims = index.settings().dims;
  auto out = make_ann_index(wanted.resolved, {wanted.n, dims}, pool);
  if (const std::size_t n_sample = out->n_training(); n_sample > 0) {
    progress.begin("learning centroids", 0);
    const std::vector<float> sample = sample_of(index, n_sample, wanted.n);
    out->train({sample.data(), sample.size() / dims, dims});
    progress.end();
  }
  return out;
}

/// The stored index, to go on with; none where there is none that could be, or it is damaged.
std::unique_ptr<AnnIndex> stored_index(IndexFile& index,
                                       const Wanted& wanted,
                                       ThreadPool& pool,
                                       ProgressSink& progress) {
  try {
    return read_ann(index, wanted.record, wanted.n, pool);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kCorruptData) {
      throw;
    }
    progress.note(fmt::format("{}; it is made anew", error.what()));
    return nullptr;
  }
}

}  // namespace

void check_ann_request(IndexFile& index, const AnnRequest& request) {
  check_memory(wanted_of(index, request), index.settings().dims, request.memory_bytes);
}

AnnReport build_ann(IndexFile& index, const AnnRequest& request, ProgressSink& progress) {
  const Wanted wanted = wanted_of(index, request);
  check_memory(wanted, index.settings().dims, request.memory_bytes);
  AnnReport report;
  if (wanted.asked.kind == AnnKind::kFlat || wanted.n == 0) {
    if (wanted.asked != wanted.record.asked || wanted.record.made.kind != AnnKind::kFlat) {
      write_ann(index, {.asked = wanted.asked}, nullptr);
    }
    return report;
  }
  NIBBLE_CHECK(request.pool != nullptr, "build_ann: a pool is wanted where there are vectors");
  const auto start = std::chrono::steady_clock::now();
  AnnRecord record = wanted.record;
  const bool goes_on = can_go_on(index, wanted);
  if (goes_on && record.n == wanted.n && record.asked == wanted.asked &&
      is_ann_whole(index, record)) {
    return {.made = record.made.text(), .n_kept = record.n, .n_bytes = record.n_bytes};
  }
  std::unique_ptr<AnnIndex> ann =
      goes_on ? stored_index(index, wanted, *request.pool, progress) : nullptr;
  record.asked = wanted.asked;
  if (ann == nullptr) {
    ann = new_index(index, wanted, *request.pool, progress);
    record = {.asked = wanted.asked, .made = wanted.resolved, .n_at_training = wanted.n};
  }
  report.n_kept = record.n;
  report.n_added = wanted.n - record.n;
  progress.begin("linking near vectors", wanted.n);
  feed(index, *ann, record, progress);
  progress.end();
  report.made = record.made.text();
  report.n_bytes = read_ann_record(index).n_bytes;
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
  report.seconds = spent.count();
  return report;
}

}  // namespace nibble::rag
