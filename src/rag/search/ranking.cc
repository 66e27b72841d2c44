#include "rag/search/ranking.h"

#include <algorithm>
#include <limits>
#include <map>

namespace nibble::rag {
namespace {

template <class T>
std::vector<Hit> select(std::span<const T> scores, std::size_t k, double floor) {
  BestHits best(k);
  for (std::size_t i = 0; i < scores.size(); ++i) {
    const auto score = static_cast<double>(scores[i]);
    if (score > floor) {
      best.offer({static_cast<std::uint32_t>(i), score});
    }
  }
  return best.take();
}

}  // namespace

std::vector<Hit> best_of(std::span<const double> scores, std::size_t k, double floor) {
  return select(scores, k, floor);
}

std::vector<Hit> best_of(std::span<const float> scores, std::size_t k) {
  return select(scores, k, -std::numeric_limits<double>::infinity());
}

void keep_best(std::vector<Hit>& hits, std::size_t k) {
  std::ranges::sort(hits, is_better);
  hits.resize(std::min(k, hits.size()));
}

std::vector<Hit> fuse_by_rank(std::span<const std::vector<Hit>> rankings,
                              std::size_t k,
                              double constant) {
  std::map<std::uint32_t, double> sums;
  for (const std::vector<Hit>& ranking : rankings) {
    for (std::size_t i = 0; i < ranking.size(); ++i) {
      sums[ranking[i].item] += 1.0 / (constant + static_cast<double>(i + 1));
    }
  }
  std::vector<Hit> out;
  for (const auto& [item, score] : sums) {
    out.push_back({item, score});
  }
  keep_best(out, k);
  return out;
}

}  // namespace nibble::rag
