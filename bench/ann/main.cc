// How fast nearest vectors are found, and how many of them: indices of nearest neighbours beside
// flat search, on one core, in CPU time of the process. One JSON object a line.
//
//   ann_bench N DIMS [INDEX…]          INDEX like hnsw:M=16,efConstruction=200
//
// The vectors are made (seed 1): N points around 1 000 centres in a space of 32 dimensions, mapped
// into DIMS by a fixed random matrix, a little noise in all DIMS, length 1. Questions are 1 000 more
// of them (seed 2). Flat search takes them 32 at a time, as it does best, and one at a time; the
// others one at a time. "times_flat" is of 32 at a time. ivf-pq's best 40 are scored again exactly.
#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <random>
#include <vector>

#include "rag/search/ann_index.h"

namespace nibble::rag {
namespace {

constexpr std::size_t kLatent = 32;
constexpr std::size_t kCentres = 1'000;
constexpr std::size_t kQuestions = 1'000;
constexpr std::size_t kBest = 10;

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

/// Bytes of the process in memory.
double resident_megabytes() {
  std::size_t pages = 0;
  if (std::FILE* file = std::fopen("/proc/self/statm", "r")) {
    [[maybe_unused]] const int read = std::fscanf(file, "%*s %zu", &pages);
    std::fclose(file);
  }
  return static_cast<double>(pages) * 4096.0 / 1e6;
}

/// The distribution that vectors and questions are drawn from.
class Source {
 public:
  explicit Source(std::size_t dims)
      : dims_(dims), centres_(kCentres * kLatent), map_(kLatent * dims) {
    std::mt19937_64 random(99);
    std::normal_distribution<float> normal;
    std::ranges::generate(centres_, [&] { return normal(random); });
    std::ranges::generate(map_, [&] { return normal(random); });
  }

  [[nodiscard]] std::vector<float> draw(std::size_t n, std::uint64_t seed) const {
    std::mt19937_64 random(seed);
    std::normal_distribution<float> normal;
    std::uniform_real_distribution<float> noise(-0.5F, 0.5F);
    std::vector<float> out(n * dims_);
    for (std::size_t i = 0; i < n; ++i) {
      float* x = out.data() + i * dims_;
      const float* centre = centres_.data() + random() % kCentres * kLatent;
      for (std::size_t l = 0; l < kLatent; ++l) {
        const float z = centre[l] + 0.5F * normal(random);
        for (std::size_t d = 0; d < dims_; ++d) {
          x[d] += z * map_[l * dims_ + d];
        }
      }
      std::for_each(x, x + dims_, [&](float& value) { value += noise(random); });
      const float norm = std::sqrt(std::inner_product(x, x + dims_, x, 0.0F));
      std::for_each(x, x + dims_, [&](float& value) { value /= norm; });
    }
    return out;
  }

 private:
  std::size_t dims_;
  std::vector<float> centres_, map_;
};

using Found = std::vector<std::vector<Hit>>;

double recall(const Found& found, const Found& wanted) {
  double n = 0;
  for (std::size_t q = 0; q < found.size(); ++q) {
    for (const Hit& hit : wanted[q]) {
      n += std::ranges::any_of(found[q], [&](const Hit& h) { return h.item == hit.item; }) ? 1 : 0;
    }
  }
  return n / static_cast<double>(found.size() * kBest);
}

class Bench {
 public:
  Bench(std::size_t n, std::size_t dims)
      : source_(dims),
        vectors_(source_.draw(n, 1)),
        asked_(source_.draw(kQuestions, 2)),
        all_(vectors_.data(), n, dims),
        questions_(asked_.data(), kQuestions, dims) {}

  void flat() {
    const auto index = make_flat_index(all_, "", pool_);
    const double start = cpu_seconds();
    wanted_ = index->search(questions_, kBest);
    flat_per_s_ = kQuestions / (cpu_seconds() - start);
    constexpr std::size_t kAlone = 20;
    const double alone = cpu_seconds();
    for (std::size_t q = 0; q < kAlone; ++q) {
      index->search(questions_.rows_from(q, 1), kBest);
    }
    fmt::print(
        "{{\"index\": \"flat\", \"n\": {}, \"dims\": {}, \"questions_per_s\": {:.1f}, "
        "\"one_at_a_time_per_s\": {:.1f}, \"index_mb\": {:.0f}}}\n",
        all_.rows,
        all_.cols,
        flat_per_s_,
        kAlone / (cpu_seconds() - alone),
        static_cast<double>(index->n_bytes()) / 1e6);
    std::fflush(stdout);
  }

  void ann(const char* text) {
    const AnnSettings settings =
        AnnSettings::parse(text).take().resolved(all_.rows, all_.cols).take();
    const double before = resident_megabytes();
    const double start = cpu_seconds();
    const auto index = make_ann_index(settings, {all_.rows, all_.cols}, pool_);
    if (const std::size_t n = index->n_training(); n > 0) {
      index->train(all_.rows_from(0, n));
    }
    index->add(all_);
    fmt::print(
        "{{\"index\": \"{}\", \"build_cpu_s\": {:.1f}, \"index_mb\": {:.0f}, "
        "\"resident_mb\": {:.0f}, \"estimate_mb\": {:.0f}}}\n",
        settings.text(),
        cpu_seconds() - start,
        static_cast<double>(index->n_bytes()) / 1e6,
        resident_megabytes() - before,
        settings.build_bytes(all_.rows, all_.cols) / 1e6);
    for (const std::size_t effort : {8U, 16U, 32U, 48U, 64U, 96U, 128U, 256U, 512U}) {
      search(*index, settings, effort);
    }
  }

 private:
  void search(AnnIndex& index, const AnnSettings& settings, std::size_t effort) {
    index.set_search({.ef_search = effort, .n_probes = effort});
    const std::size_t depth = index.is_exact() ? kBest : 4 * kBest;
    Found found;
    const double start = cpu_seconds();
    for (std::size_t q = 0; q < kQuestions; ++q) {
      auto hits = std::move(index.search(questions_.rows_from(q, 1), depth).front());
      if (!index.is_exact()) {
        hits = rescore(questions_.row_span(q), std::move(hits), kBest, [&](std::uint32_t item) {
          return std::vector<float>(all_.row(item), all_.row(item) + all_.cols);
        });
      }
      found.push_back(std::move(hits));
    }
    const double per_s = kQuestions / (cpu_seconds() - start);
    fmt::print(
        "{{\"index\": \"{}\", \"{}\": {}, \"recall_at_10\": {:.4f}, \"questions_per_s\": "
        "{:.0f}, \"times_flat\": {:.1f}}}\n",
        settings.text(),
        index.is_exact() ? "ef_search" : "nprobe",
        effort,
        recall(found, wanted_),
        per_s,
        per_s / flat_per_s_);
    std::fflush(stdout);
  }

  ThreadPool pool_{1};
  Source source_;
  std::vector<float> vectors_, asked_;
  MatrixView<const float> all_, questions_;
  Found wanted_;
  double flat_per_s_ = 0.0;
};

}  // namespace
}  // namespace nibble::rag

int main(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "ann_bench N DIMS [INDEX...]\n");
    return 2;
  }
  nibble::rag::Bench bench(std::strtoul(argv[1], nullptr, 10), std::strtoul(argv[2], nullptr, 10));
  bench.flat();
  for (int i = 3; i < argc; ++i) {
    bench.ann(argv[i]);
  }
  return 0;
}
