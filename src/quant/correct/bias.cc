#include "quant/correct/bias.h"

#include "base/check.h"
#include "quant/solve/parallel_for.h"

namespace nibble::quant {
namespace {

constexpr std::size_t kBiasRowsPerTask = 64;

}  // namespace

std::vector<float> mean_error(const CorrectInput& input, ThreadPool& pool) {
  const auto& [weight, quantized, mean] = input;
  NIBBLE_CHECK(
      weight.rows == quantized.rows && weight.cols == quantized.cols && weight.cols == mean.size(),
      "mean_error: shapes");
  std::vector<float> out(weight.rows);
  parallel_for(pool, weight.rows, kBiasRowsPerTask, [&](std::size_t r) {
    double sum = 0;
    for (std::size_t c = 0; c < weight.cols; ++c) {
      sum += (double{weight(r, c)} - double{quantized(r, c)}) * mean[c];
    }
    out[r] = static_cast<float>(sum);
  });
  return out;
}

}  // namespace nibble::quant
