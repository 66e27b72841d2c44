#include "rag/search/ivf_pq.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/cancel.h"
#include "base/check.h"
#include "rag/search/ann_bytes.h"
#include "rag/search/codebook.h"

namespace nibble::rag {
namespace {

constexpr std::size_t kCodes = 256;  ///< that a byte tells apart
/// Vectors that the codes are learned from: 64 for each.
constexpr std::size_t kCodeSample = 64 * kCodes;
/// Vectors that are coded together, and questions that are searched together.
constexpr std::size_t kTogether = 512;
constexpr std::size_t kTogetherQuestions = 32;
constexpr std::uint64_t kSeed = 7;

struct InvertedList {
  std::vector<std::uint32_t> items;
  std::vector<std::uint8_t> codes;  ///< [items.size(), m]
};

class IvfPqIndex final : public AnnIndex {
 public:
  IvfPqIndex(const AnnSettings& settings, const AnnLimits& limits, ThreadPool& pool)
      : settings_(settings), limits_(limits), pool_(pool), lists_(settings.n_lists) {}

  std::size_t n_training() const noexcept override {
    return lists_of_ ? 0 : settings_.n_training(limits_.capacity);
  }
  void train(MatrixView<const float> sample) override;
  void add(MatrixView<const float> vectors) override;
  std::size_t size() const noexcept override { return n_; }
  std::size_t n_bytes() const noexcept override;
  bool is_exact() const noexcept override { return false; }
  void set_search(const AnnSearch& search) noexcept override { n_probes_ = search.n_probes; }
  std::vector<std::vector<Hit>> search(MatrixView<const float> questions,
                                       std::size_t k) const override;
  void write(ByteSink& to) const override;
  void read(ByteSource& from, std::size_t n);

 private:
  [[nodiscard]] std::size_t part() const noexcept { return limits_.dims / settings_.n_codes; }
  /// Numbers of the nearest lists; `vectors` become what they differ by from their centroids.
  std::vector<std::uint32_t> subtract_centroids(MatrixView<float> vectors) const;
  void code(MatrixView<const float> vectors);
  void search_some(MatrixView<const float> questions,
                   std::size_t k,
                   std::span<std::vector<Hit>> out) const;
  std::vector<Hit> scan(std::span<const float> list_scores,
                        const float* table,
                        std::size_t k) const;
  void scan_list(const InvertedList& list, float base, const float* table, BestHits& best) const;

  AnnSettings settings_;
  AnnLimits limits_;
  ThreadPool& pool_;
  std::optional<Codebook> lists_of_;
  std::vector<Codebook> codes_of_;  ///< of each part
  std::vector<InvertedList> lists_;
  std::size_t n_ = 0;        ///< vectors that were added
  std::size_t n_coded_ = 0;  ///< that have codes; more than were added after `read`
  std::size_t n_probes_ = 0;
};

std::vector<float> copy_of(MatrixView<const float> vectors) {
  std::vector<float> out;
  out.reserve(vectors.rows * vectors.cols);
  for (std::size_t i = 0; i < vectors.rows; ++i) {
    out.insert(out.end(), vectors.row(i), vectors.row(i) + vectors.cols);
  }
  return out;
}

std::vector<std::uint32_t> IvfPqIndex::subtract_centroids(MatrixView<float> vectors) const {
  std::vector<std::uint32_t> nearest(vectors.rows);
  lists_of_->nearest(vectors, nearest, pool_);
  for (std::size_t i = 0; i < vectors.rows; ++i) {
    const auto centroid = lists_of_->centroid(nearest[i]);
    std::ranges::transform(vectors.row_span(i), centroid, vectors.row(i), std::minus<>());
  }
  return nearest;
}

void IvfPqIndex::train(MatrixView<const float> sample) {
  lists_of_ = Codebook::train(sample, settings_.n_lists, kSeed, pool_);
  NIBBLE_CHECK(lists_of_->size() == settings_.n_lists, "ivf-pq: fewer vectors than lists");
  // Every so many, because the sample is in the order of the documents.
  const std::size_t step = std::max<std::size_t>(1, sample.rows / kCodeSample);
  const MatrixView<const float> some(
      sample.data, (sample.rows + step - 1) / step, sample.cols, sample.stride * step);
  std::vector<float> copy = copy_of(some);
  const MatrixView<float> residuals(copy.data(), some.rows, some.cols);
  subtract_centroids(residuals);
  codes_of_.clear();
  for (std::size_t j = 0; j < settings_.n_codes; ++j) {
    codes_of_.push_back(
        Codebook::train(residuals.cols_from(j * part(), part()), kCodes, kSeed + j, pool_));
  }
}

void IvfPqIndex::add(MatrixView<const float> vectors) {
  NIBBLE_CHECK(lists_of_ && vectors.cols == limits_.dims && vectors.rows <= limits_.capacity - n_,
               "ivf-pq: vectors do not fit, or train was not called");
  const std::size_t n_known = std::min(vectors.rows, n_coded_ - n_);
  n_ += n_known;
  for (std::size_t first = n_known; first < vectors.rows; first += kTogether) {
    cancel_flag().check();
    code(vectors.rows_from(first, std::min(kTogether, vectors.rows - first)));
  }
}

void IvfPqIndex::code(MatrixView<const float> vectors) {
  std::vector<float> copy = copy_of(vectors);
  const MatrixView<float> residuals(copy.data(), vectors.rows, vectors.cols);
  const std::vector<std::uint32_t> nearest = subtract_centroids(residuals);
  const std::size_t m = settings_.n_codes;
  std::vector<std::uint8_t> codes(vectors.rows * m);
  std::vector<std::uint32_t> of_part(vectors.rows);
  for (std::size_t j = 0; j < m; ++j) {
    codes_of_[j].nearest(residuals.cols_from(j * part(), part()), of_part, pool_);
    for (std::size_t i = 0; i < vectors.rows; ++i) {
      codes[i * m + j] = static_cast<std::uint8_t>(of_part[i]);
    }
  }
  for (std::size_t i = 0; i < vectors.rows; ++i) {
    InvertedList& list = lists_[nearest[i]];
    list.items.push_back(static_cast<std::uint32_t>(n_++));
    const auto own = std::span(codes).subspan(i * m, m);
    list.codes.insert(list.codes.end(), own.begin(), own.end());
  }
  n_coded_ = n_;
}

std::size_t IvfPqIndex::n_bytes() const noexcept {
  std::size_t out = (settings_.n_lists + kCodes) * limits_.dims * 2 * sizeof(float);
  for (const InvertedList& list : lists_) {
    out += list.items.size() * sizeof(std::uint32_t) + list.codes.size();
  }
  return out;
}

std::vector<std::vector<Hit>> IvfPqIndex::search(MatrixView<const float> questions,
                                                 std::size_t k) const {
  NIBBLE_CHECK(n_ == n_coded_, "ivf-pq: searched before its vectors were added");
  std::vector<std::vector<Hit>> out(questions.rows);
  for (std::size_t first = 0; n_ > 0 && first < questions.rows; first += kTogetherQuestions) {
    const std::size_t n = std::min(kTogetherQuestions, questions.rows - first);
    search_some(questions.rows_from(first, n), k, std::span(out).subspan(first, n));
  }
  return out;
}

void IvfPqIndex::search_some(MatrixView<const float> questions,
                             std::size_t k,
                             std::span<std::vector<Hit>> out) const {
  std::vector<float> list_scores(questions.rows * lists_.size());
  const MatrixView<float> of_lists(list_scores.data(), questions.rows, lists_.size());
  lists_of_->multiply(questions, of_lists, pool_);
  // Zeros where there are fewer than 256 codes: a damaged code reads one of them.
  const std::size_t width = settings_.n_codes * kCodes;
  std::vector<float> tables(questions.rows * width);
  for (std::size_t j = 0; j < settings_.n_codes; ++j) {
    codes_of_[j].multiply(questions.cols_from(j * part(), part()),
                          {tables.data() + j * kCodes, questions.rows, codes_of_[j].size(), width},
                          pool_);
  }
  pool_.run(questions.rows, [&](std::size_t q, std::size_t /*worker*/) {
    out[q] = scan(of_lists.row_span(q), tables.data() + q * width, k);
  });
}

std::vector<Hit> IvfPqIndex::scan(std::span<const float> list_scores,
                                  const float* table,
                                  std::size_t k) const {
  const std::size_t by_default = std::max<std::size_t>(8, lists_.size() / 16);
  std::vector<float> nearness(list_scores.size());
  std::ranges::transform(list_scores, lists_of_->half_norms(), nearness.begin(), std::minus<>());
  BestHits best(k);
  for (const Hit& list :
       best_of(std::span<const float>(nearness), n_probes_ == 0 ? by_default : n_probes_)) {
    scan_list(lists_[list.item], list_scores[list.item], table, best);
  }
  return best.take();
}

void IvfPqIndex::scan_list(const InvertedList& list,
                           float base,
                           const float* table,
                           BestHits& best) const {
  const std::size_t m = settings_.n_codes;
  for (std::size_t i = 0; i < list.items.size(); ++i) {
    const std::uint8_t* codes = list.codes.data() + i * m;
    std::array<float, 4> sums = {base, 0.0F, 0.0F, 0.0F};
    for (std::size_t j = 0; j < m; ++j) {
      sums[j % 4] += table[j * kCodes + codes[j]];
    }
    best.offer({list.items[i], static_cast<double>((sums[0] + sums[1]) + (sums[2] + sums[3]))});
  }
}

void IvfPqIndex::write(ByteSink& to) const {
  write_value(to, static_cast<std::uint32_t>(n_));
  write_values(to, lists_of_->centroids());
  write_value(to, static_cast<std::uint32_t>(codes_of_.front().size()));
  for (const Codebook& codes : codes_of_) {
    write_values(to, codes.centroids());
  }
  for (const InvertedList& list : lists_) {
    write_value(to, static_cast<std::uint32_t>(list.items.size()));
    write_values(to, std::span<const std::uint32_t>(list.items));
    write_values(to, std::span<const std::uint8_t>(list.codes));
  }
}

void require_sound(bool holds, std::string_view what) {
  if (!holds) {
    raise(ErrorCode::kCorruptData, "ivf-pq: the stored lists are damaged: {}", what);
  }
}

void IvfPqIndex::read(ByteSource& from, std::size_t n) {
  require_sound(read_value<std::uint32_t>(from) == n, "the number of passages");
  lists_of_.emplace(read_vector<float>(from, settings_.n_lists * limits_.dims, "ivf-pq: centroids"),
                    limits_.dims,
                    pool_);
  const std::size_t n_codes = read_value<std::uint32_t>(from);
  require_sound(n_codes > 0 && n_codes <= kCodes, "the number of codes");
  for (std::size_t j = 0; j < settings_.n_codes; ++j) {
    codes_of_.emplace_back(
        read_vector<float>(from, n_codes * part(), "ivf-pq: codes"), part(), pool_);
  }
  std::vector<bool> is_seen(n);
  for (InvertedList& list : lists_) {
    const std::size_t count = read_value<std::uint32_t>(from);
    list.items = read_vector<std::uint32_t>(from, count, "ivf-pq: a list");
    list.codes = read_vector<std::uint8_t>(from, count * settings_.n_codes, "ivf-pq: a list");
    for (const std::uint32_t item : list.items) {
      require_sound(item < n && !is_seen[item], "a passage of a list");
      is_seen[item] = true;
      ++n_coded_;
    }
  }
  require_sound(n_coded_ == n && from.remaining() == 0, "passages are missing, or bytes are left");
}

}  // namespace

std::unique_ptr<AnnIndex> make_ivf_pq(const AnnSettings& settings,
                                      const AnnLimits& limits,
                                      ThreadPool& pool) {
  return std::make_unique<IvfPqIndex>(settings, limits, pool);
}

std::unique_ptr<AnnIndex> read_ivf_pq(ByteSource& from,
                                      const AnnSettings& settings,
                                      std::size_t n,
                                      const AnnLimits& limits,
                                      ThreadPool& pool) {
  auto out = std::make_unique<IvfPqIndex>(settings, limits, pool);
  out->read(from, n);
  return out;
}

}  // namespace nibble::rag
