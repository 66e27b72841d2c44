#include "quant/solve/autoround_loop.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include "base/cancel.h"
#include "base/error.h"

namespace nibble::quant {
namespace {

/// Batches of windows in an order that is shuffled anew when less than a batch is left of it.
class Sampler {
 public:
  Sampler(std::size_t n, std::size_t batch, std::uint64_t seed)
      : order_(n), batch_(std::min(n, batch)), random_(seed), next_(n) {
    std::iota(order_.begin(), order_.end(), std::size_t{0});
  }

  std::span<const std::size_t> next() {
    if (next_ + batch_ > order_.size()) {
      for (std::size_t i = order_.size(); i > 1; --i) {
        std::swap(order_[i - 1], order_[static_cast<std::size_t>(random_() % i)]);
      }
      next_ = 0;
    }
    next_ += batch_;
    return std::span(order_).subspan(next_ - batch_, batch_);
  }

 private:
  std::vector<std::size_t> order_;
  std::size_t batch_;
  std::mt19937_64 random_;
  std::size_t next_;
};

}  // namespace

AutoroundTrace autoround_steps(TunedBlock& block,
                               std::size_t n_windows,
                               std::size_t layer,
                               const AutoroundSettings& settings,
                               FunctionRef<void(double)> done) {
  // Each block has an order of its own, whatever came before: a run can go on at any block.
  Sampler sampler(n_windows, settings.batch, settings.seed + (std::uint64_t{layer} << 32U));
  AutoroundTrace out;
  out.best_loss = std::numeric_limits<double>::infinity();
  const auto n = static_cast<double>(settings.iterations);
  const double rate = settings.rate > 0 ? settings.rate : 1.0 / n;
  for (std::size_t i = 0; i < settings.iterations; ++i) {
    cancel_flag().check();
    const double loss = block.loss(sampler.next());
    if (!std::isfinite(loss)) {
      raise(ErrorCode::kUnsupported,
            "layer {}: the block's outputs are not finite on the calibration text",
            layer);
    }
    out.first_loss = i == 0 ? loss : out.first_loss;
    const bool is_best = loss < out.best_loss;
    if (is_best) {
      out.best_loss = loss;
      out.best_iteration = i;
    }
    const auto size = static_cast<float>(rate * (1.0 - static_cast<double>(i) / n));
    block.step({size, settings.tunes_range ? size : 0.0F}, is_best ? Keep::kYes : Keep::kNo);
    done(static_cast<double>(i + 1) / n);
  }
  if (!settings.keeps_best) {
    block.keep();
  }
  return out;
}

}  // namespace nibble::quant
