#include "rag/search/hnsw.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <mutex>
#include <queue>
#include <unordered_map>

// Distances are our kernels'. What else hnswlib does with vector instructions is to prefetch the
// link behind the last one, which reads past the end of its list.
#define NO_MANUAL_VECTORIZATION
#include <hnswlib/hnswlib.h>

#include "base/cancel.h"
#include "base/check.h"
#include "ops/dot.h"
#include "rag/search/ann_bytes.h"

namespace nibble::rag {
namespace {

constexpr std::size_t kMaxLevel = 63;
constexpr std::size_t kEfSearch = 64;

/// The distance of two vectors is the product with its sign changed: nearest is largest.
class DotSpace final : public hnswlib::SpaceInterface<float> {
 public:
  explicit DotSpace(std::size_t dims) : measure_{ops::dot_function(), dims} {}
  std::size_t get_data_size() override { return measure_.dims * sizeof(float); }
  hnswlib::DISTFUNC<float> get_dist_func() override { return distance; }
  void* get_dist_func_param() override { return &measure_; }

 private:
  struct Measure {
    ops::Dot dot;
    std::size_t dims;
  };
  static float distance(const void* a, const void* b, const void* measure) {
    const auto& m = *static_cast<const Measure*>(measure);
    return -m.dot(static_cast<const float*>(a), static_cast<const float*>(b), m.dims);
  }
  Measure measure_;
};

/// A number that looks random, of an item.
std::uint32_t level_seed(std::uint64_t item) noexcept {
  std::uint64_t x = item + 0x9E3779B97F4A7C15U;  // splitmix64
  x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27U)) * 0x94D049BB133111EBU;
  return static_cast<std::uint32_t>((x ^ (x >> 31U)) >> 32U);
}

/// hnswlib's graph, with what it lacks: levels by item, and links in and out.
class Graph final : public hnswlib::HierarchicalNSW<float> {
 public:
  using HierarchicalNSW::HierarchicalNSW;

  [[nodiscard]] std::size_t size() const noexcept { return cur_element_count; }
  [[nodiscard]] std::size_t level(std::size_t item) const {
    return static_cast<std::size_t>(element_levels_[item]);
  }
  [[nodiscard]] std::size_t top_level() const noexcept {
    return static_cast<std::size_t>(maxlevel_);
  }
  [[nodiscard]] std::uint32_t entry() const noexcept { return enterpoint_node_; }
  [[nodiscard]] std::size_t max_links(std::size_t level) const noexcept {
    return level == 0 ? maxM0_ : maxM_;
  }

  /// Links `vector` in as the next item.
  void append(const float* vector) {
    const std::size_t item = cur_element_count;
    level_generator_.seed(level_seed(item));
    HierarchicalNSW::addPoint(vector, item, -1);
  }
  void set_vector(std::size_t item, const float* vector) {
    std::memcpy(getDataByInternalId(static_cast<hnswlib::tableint>(item)), vector, data_size_);
  }

  [[nodiscard]] std::span<const std::uint32_t> links(std::size_t item, std::size_t level) const {
    auto* list =
        get_linklist_at_level(static_cast<hnswlib::tableint>(item), static_cast<int>(level));
    return {list + 1, getListCount(list)};
  }
  void set_links(std::size_t item, std::size_t level, std::span<const std::uint32_t> links) {
    auto* list =
        get_linklist_at_level(static_cast<hnswlib::tableint>(item), static_cast<int>(level));
    setListCount(list, static_cast<unsigned short>(links.size()));
    std::memcpy(list + 1, links.data(), links.size_bytes());
  }
  /// The next item, without links and with zeros for a vector.
  void append_bare(std::size_t level) {
    const auto item = static_cast<hnswlib::tableint>(cur_element_count);
    if (level > 0) {
      linkLists_[item] = static_cast<char*>(std::calloc(1, size_links_per_element_ * level + 1));
      if (linkLists_[item] == nullptr) {
        raise(ErrorCode::kOutOfMemory, "hnsw: no memory for the links of a passage");
      }
    }
    element_levels_[item] = static_cast<int>(level);
    ++cur_element_count;
    std::memset(data_level0_memory_ + item * size_data_per_element_, 0, size_data_per_element_);
    setExternalLabel(item, item);
    label_lookup_[item] = item;
  }
  void set_entry(std::uint32_t item, std::size_t level) noexcept {
    enterpoint_node_ = item;
    maxlevel_ = static_cast<int>(level);
  }
  /// Bytes held, without the allocator's own.
  [[nodiscard]] std::size_t n_bytes() const noexcept {
    std::size_t upper = 0;
    for (std::size_t i = 0; i < cur_element_count; ++i) {
      upper += static_cast<std::size_t>(element_levels_[i]) * size_links_per_element_;
    }
    return max_elements_ * (size_data_per_element_ + sizeof(void*) + sizeof(int)) + upper;
  }
};

class HnswIndex final : public AnnIndex {
 public:
  HnswIndex(const AnnSettings& settings, const AnnLimits& limits, ThreadPool& pool)
      : pool_(pool),
        dims_(limits.dims),
        space_(limits.dims),
        graph_(&space_,
               std::max<std::size_t>(1, limits.capacity),
               settings.links,
               settings.ef_construction),
        capacity_(limits.capacity) {}

  std::size_t n_training() const noexcept override { return 0; }
  void train(MatrixView<const float> /*sample*/) override {}

  void add(MatrixView<const float> vectors) override {
    NIBBLE_CHECK(vectors.cols == dims_ && vectors.rows <= capacity_ - n_,
                 "hnsw: vectors do not fit");
    for (std::size_t i = 0; i < vectors.rows; ++i, ++n_) {
      if (n_ < graph_.size()) {
        graph_.set_vector(n_, vectors.row(i));
      } else {
        cancel_flag().check();
        graph_.append(vectors.row(i));
      }
    }
  }

  std::size_t size() const noexcept override { return n_; }
  std::size_t n_bytes() const noexcept override { return graph_.n_bytes(); }
  bool is_exact() const noexcept override { return true; }
  void set_search(const AnnSearch& search) noexcept override {
    graph_.setEf(search.ef_search == 0 ? kEfSearch : search.ef_search);
  }

  std::vector<std::vector<Hit>> search(MatrixView<const float> questions,
                                       std::size_t k) const override {
    NIBBLE_CHECK(n_ == graph_.size(), "hnsw: searched before its vectors were added");
    std::vector<std::vector<Hit>> out(questions.rows);
    pool_.run(questions.rows, [&](std::size_t q, std::size_t /*worker*/) {
      auto found = graph_.searchKnn(questions.row(q), std::min(k, n_));
      for (; !found.empty(); found.pop()) {
        out[q].push_back({static_cast<std::uint32_t>(found.top().second),
                          -static_cast<double>(found.top().first)});
      }
      keep_best(out[q], k);
    });
    return out;
  }

  void write(ByteSink& to) const override {
    write_value(to, static_cast<std::uint32_t>(n_));
    write_value(to, graph_.entry());
    for (std::size_t i = 0; i < n_; ++i) {
      write_value(to, static_cast<std::uint8_t>(graph_.level(i)));
    }
    for (std::size_t i = 0; i < n_; ++i) {
      for (std::size_t level = 0; level <= graph_.level(i); ++level) {
        const auto links = graph_.links(i, level);
        write_value(to, static_cast<std::uint16_t>(links.size()));
        write_values(to, links);
      }
    }
  }

  void read(ByteSource& from, std::size_t n) {
    const auto n_stored = read_value<std::uint32_t>(from);
    const auto entry = read_value<std::uint32_t>(from);
    require(n_stored == n && (n == 0 || entry < n), "the number of passages or the entry");
    const auto levels = read_vector<std::uint8_t>(from, n, "hnsw: levels");
    std::size_t n_lists = n;
    for (const std::uint8_t level : levels) {
      n_lists += level;
    }
    // With M of 2 a passage has one level above the lowest, on average; with more it has fewer.
    require(n_lists <= 4 * n + kMaxLevel && n_lists <= from.remaining() / sizeof(std::uint16_t),
            "too many lists");
    for (const std::uint8_t level : levels) {
      require(level <= kMaxLevel, "a level");
      graph_.append_bare(level);
    }
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t level = 0; level <= levels[i]; ++level) {
        read_links(from, levels, i, level);
      }
    }
    require(from.remaining() == 0, "bytes behind the last list");
    if (n > 0) {
      require(levels[entry] == *std::ranges::max_element(levels), "the entry's level");
      graph_.set_entry(entry, levels[entry]);
    }
  }

 private:
  static void require(bool holds, std::string_view what) {
    if (!holds) {
      raise(ErrorCode::kCorruptData, "hnsw: the stored graph is damaged: {}", what);
    }
  }
  void read_links(ByteSource& from,
                  std::span<const std::uint8_t> levels,
                  std::size_t item,
                  std::size_t level) {
    const std::size_t count = read_value<std::uint16_t>(from);
    require(count <= graph_.max_links(level), "a list's length");
    const auto links = read_vector<std::uint32_t>(from, count, "hnsw: links");
    for (const std::uint32_t link : links) {
      require(link < levels.size() && levels[link] >= level, "a link");
    }
    graph_.set_links(item, level, links);
  }

  ThreadPool& pool_;
  std::size_t dims_;
  DotSpace space_;
  Graph graph_;
  std::size_t capacity_;
  std::size_t n_ = 0;  ///< vectors that were added; fewer than the graph has after `read`
};

std::unique_ptr<HnswIndex> bare_hnsw(const AnnSettings& settings,
                                     const AnnLimits& limits,
                                     ThreadPool& pool) {
  if (limits.capacity > std::numeric_limits<std::int32_t>::max()) {
    raise(ErrorCode::kUnsupported, "hnsw: {} passages; 2^31 - 1 is the most", limits.capacity);
  }
  std::unique_ptr<HnswIndex> out;
  try {
    out = std::make_unique<HnswIndex>(settings, limits, pool);
  } catch (const Error&) {
    throw;
  } catch (const std::exception&) {  // std::bad_alloc, or what hnswlib throws in its place
    raise(ErrorCode::kOutOfMemory,
          "hnsw: no memory for {} passages, about {:.0f} MB",
          limits.capacity,
          settings.build_bytes(limits.capacity, limits.dims) / 1e6);
  }
  out->set_search({});
  return out;
}

}  // namespace

std::unique_ptr<AnnIndex> make_hnsw(const AnnSettings& settings,
                                    const AnnLimits& limits,
                                    ThreadPool& pool) {
  return bare_hnsw(settings, limits, pool);
}

std::unique_ptr<AnnIndex> read_hnsw(ByteSource& from,
                                    const AnnSettings& settings,
                                    std::size_t n,
                                    const AnnLimits& limits,
                                    ThreadPool& pool) {
  auto out = bare_hnsw(settings, limits, pool);
  out->read(from, n);
  return out;
}

}  // namespace nibble::rag
