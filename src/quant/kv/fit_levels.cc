#include "quant/kv/fit_levels.h"

#include <algorithm>
#include <cstdint>
#include <limits>

namespace nibble::quant {
namespace {

constexpr std::size_t kBins = 2048;

/// Sums over the first n bins.
struct Moments {
  double weight = 0;
  double sum = 0;
  double square = 0;
};

/// The best cuts of the bins into more and more intervals.
class Cuts {
 public:
  explicit Cuts(const std::vector<Moments>& moments)
      : moments_(moments), best_(moments.size()), previous_(moments.size()) {
    for (std::size_t end = 0; end < moments_.size(); ++end) {
      best_[end] = cost(0, end);
    }
    from_.emplace_back(moments_.size(), 0U);
  }

  void add_interval() {
    std::swap(best_, previous_);
    from_.emplace_back(moments_.size());
    search(0, moments_.size() - 1, 0, moments_.size() - 1);
  }

  /// Means of the intervals, ascending.
  [[nodiscard]] std::vector<float> means() const {
    std::vector<float> out(from_.size());
    std::size_t end = moments_.size() - 1;
    float above = 1.0F;
    for (std::size_t i = from_.size(); i-- > 0;) {
      const std::size_t begin = from_[i][end];
      const double weight = moments_[end].weight - moments_[begin].weight;
      const double sum = moments_[end].sum - moments_[begin].sum;
      // An interval without numbers repeats its neighbour.
      out[i] = weight > 0 ? std::min(above, static_cast<float>(sum / weight)) : above;
      above = out[i];
      end = begin;
    }
    return out;
  }

 private:
  [[nodiscard]] double cost(std::size_t begin, std::size_t end) const {
    const double weight = moments_[end].weight - moments_[begin].weight;
    const double sum = moments_[end].sum - moments_[begin].sum;
    const double square = moments_[end].square - moments_[begin].square;
    return weight > 0 ? std::max(0.0, square - sum * sum / weight) : 0.0;
  }

  /// best[end] for first <= end <= last; where the last interval begins ascends with its end.
  void search(std::size_t first, std::size_t last, std::size_t low, std::size_t high) {
    const std::size_t end = first + (last - first) / 2;
    double least = std::numeric_limits<double>::infinity();
    std::size_t begin_of_least = low;
    for (std::size_t begin = low; begin <= std::min(end, high); ++begin) {
      const double total = previous_[begin] + cost(begin, end);
      if (total < least) {
        least = total;
        begin_of_least = begin;
      }
    }
    best_[end] = least;
    from_.back()[end] = static_cast<std::uint32_t>(begin_of_least);
    if (end > first) {
      search(first, end - 1, low, begin_of_least);
    }
    if (end < last) {
      search(end + 1, last, begin_of_least, high);
    }
  }

  const std::vector<Moments>& moments_;
  std::vector<double> best_, previous_;
  std::vector<std::vector<std::uint32_t>> from_;  ///< [interval][end]: where the last one begins
};

std::vector<float> even_levels(std::size_t n) {
  std::vector<float> out;
  for (std::size_t i = 0; i < n; ++i) {
    out.push_back((2 * static_cast<float>(i) + 1) / static_cast<float>(n) - 1);
  }
  return out;
}

}  // namespace

LevelFit::LevelFit() : weight_(kBins), sum_(kBins), square_(kBins) {}

void LevelFit::add(double x, double weight) noexcept {
  const double inside = std::clamp(x, -1.0, 1.0);
  const auto bin =
      std::min(kBins - 1, static_cast<std::size_t>((inside + 1) / 2 * static_cast<double>(kBins)));
  weight_[bin] += weight;
  sum_[bin] += weight * inside;
  square_[bin] += weight * inside * inside;
}

std::vector<float> LevelFit::levels(std::size_t bits) const {
  const std::size_t n = std::size_t{1} << bits;
  std::vector<Moments> moments(kBins + 1);
  for (std::size_t i = 0; i < kBins; ++i) {
    moments[i + 1] = {
        moments[i].weight + weight_[i], moments[i].sum + sum_[i], moments[i].square + square_[i]};
  }
  if (!(moments.back().weight > 0)) {
    return even_levels(n);
  }
  Cuts cuts(moments);
  for (std::size_t i = 1; i < n; ++i) {
    cuts.add_interval();
  }
  return cuts.means();
}

}  // namespace nibble::quant
