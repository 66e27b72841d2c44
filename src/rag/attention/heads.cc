#include "rag/attention/heads.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/checked_math.h"
#include "base/error.h"
#include "base/nan.h"

namespace nibble::rag {
namespace {

HeadSet heads_between(std::size_t first_layer, std::size_t end_layer, std::size_t n_heads) {
  HeadSet heads;
  for (std::size_t layer = first_layer; layer < end_layer; ++layer) {
    for (std::size_t head = 0; head < n_heads; ++head) {
      heads.push_back({static_cast<std::uint32_t>(layer), static_cast<std::uint32_t>(head)});
    }
  }
  return heads;
}

}  // namespace

HeadSet all_heads(std::size_t n_layers, std::size_t n_heads) {
  return heads_between(0, n_layers, n_heads);
}

HeadSet layer_heads(std::size_t layer, std::size_t n_heads) {
  return heads_between(layer, layer + 1, n_heads);
}

HeadSet late_heads(std::size_t n_layers, std::size_t n_heads) {
  return heads_between(n_layers - ceil_div(n_layers, 3), n_layers, n_heads);
}

HeadChoice::HeadChoice(std::size_t n_layers, std::size_t n_heads)
    : n_heads_(n_heads), sums_(n_layers * n_heads), counts_(n_layers) {
  if (sums_.empty()) {
    raise(ErrorCode::kInvalidArgument, "retrieval heads: a model of no heads");
  }
}

void HeadChoice::add(const model::AttentionMass& mass,
                     std::size_t row,
                     std::span<const std::size_t> gold) {
  if (mass.n_layers() != counts_.size() || mass.n_heads() != n_heads_) {
    raise(ErrorCode::kInvalidArgument,
          "retrieval heads: an example of {} layers of {} heads among those of {} of {}",
          mass.n_layers(),
          mass.n_heads(),
          counts_.size(),
          n_heads_);
  }
  for (std::size_t layer = 0; layer < counts_.size(); ++layer) {
    const bool sees = std::ranges::any_of(
        gold, [&](std::size_t span) { return mass.n_reachable(layer, row, span) > 0; });
    if (!sees) {
      continue;
    }
    ++counts_[layer];
    for (std::size_t head = 0; head < n_heads_; ++head) {
      for (const std::size_t span : gold) {
        sums_[layer * n_heads_ + head] += static_cast<double>(mass.at(layer, head, row, span));
      }
    }
  }
}

std::vector<double> HeadChoice::gold_masses() const {
  std::vector<double> means(sums_.size(), kNaN);
  for (std::size_t i = 0; i < means.size(); ++i) {
    if (const std::size_t n = counts_[i / n_heads_]; n > 0) {
      means[i] = sums_[i] / static_cast<double>(n);
    }
  }
  return means;
}

HeadSet HeadChoice::best(double share) const {
  if (!(share > 0.0 && share <= 1.0)) {
    raise(
        ErrorCode::kInvalidArgument, "retrieval heads: a share of {}, above 0 to 1 wanted", share);
  }
  const std::vector<double> means = gold_masses();
  std::vector<std::size_t> order(means.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::erase_if(order, [&](std::size_t i) { return std::isnan(means[i]); });
  std::ranges::stable_sort(order,
                           [&](std::size_t a, std::size_t b) { return means[a] > means[b]; });
  const double wanted = std::round(share * static_cast<double>(means.size()));
  order.resize(std::min(order.size(), std::max<std::size_t>(1, static_cast<std::size_t>(wanted))));
  HeadSet heads;
  for (const std::size_t i : order) {
    heads.push_back(
        {static_cast<std::uint32_t>(i / n_heads_), static_cast<std::uint32_t>(i % n_heads_)});
  }
  std::ranges::sort(heads);
  return heads;
}

}  // namespace nibble::rag
