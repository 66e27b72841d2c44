// Matrix products of ops/linear.h: rate in GOPS (2 * rows * cols * tokens) and bytes of packed
// weights a second, in CPU time of one thread. Compare with the limits that limits_bench.cc
// measures in the same run.
#include <benchmark/benchmark.h>

#include <random>
#include <string>

#include "codec/dense.h"
#include "codec/int_group.h"
#include "codec/nf4.h"
#include "kernels/select.h"
#include "ops/linear.h"

namespace nibble {
namespace {

std::vector<float> random_floats(std::size_t n, float scale) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> uniform(-scale, scale);
  std::vector<float> out(n);
  for (float& value : out) {
    value = uniform(random);
  }
  return out;
}

std::vector<std::uint8_t> random_codes(std::size_t n, std::size_t bits) {
  std::mt19937 random(2);
  std::vector<std::uint8_t> out(n);
  for (std::uint8_t& code : out) {
    code = static_cast<std::uint8_t>(random() & ((1U << bits) - 1U));
  }
  return out;
}

codec::EncodedMatrix make_weight(const std::string& name, std::size_t rows, std::size_t cols) {
  if (const auto format = codec::int_group_from_name(name)) {
    const std::size_t n_groups = rows * format->n_groups(cols);
    codec::IntGroupCodes codes{random_codes(rows * cols, format->bits),
                               std::vector<float>(n_groups, 0.0078125F),
                               std::vector<float>(n_groups, format->middle())};
    if (format->zero != codec::ZeroKind::kMiddle) {
      codes.zeros[0] = 1.0F;
    }
    return codec::pack_int_group(*format, rows, cols, codes);
  }
  if (const auto format = codec::codebook_from_name(name)) {
    codec::CodebookCodes codes;
    codes.codes = random_codes(rows * cols, 4);
    codes.absmax.assign(rows * cols / format->block, 0.1F);
    return codec::pack_codebook(*format, rows, cols, codes);
  }
  const std::vector<float> values = random_floats(rows * cols, 0.1F);
  return codec::dense_matrix(Tensor::from<float>(DType::kF32, {rows, cols}, values));
}

void multiply(benchmark::State& state, const std::string& name, Arithmetic arithmetic) {
  const auto rows = static_cast<std::size_t>(state.range(0));
  const auto cols = static_cast<std::size_t>(state.range(1));
  const auto tokens = static_cast<std::size_t>(state.range(2));
  ThreadPool pool(1);
  const auto layer = ops::Linear::make(make_weight(name, rows, cols), {}, arithmetic, pool);
  const std::vector<float> x = random_floats(tokens * cols, 1.0F);
  std::vector<float> y(tokens * rows);
  for (auto _ : state) {
    layer.apply({x.data(), tokens, cols}, {y.data(), tokens, rows}, pool);
    benchmark::DoNotOptimize(y.data());
  }
  const auto runs = static_cast<double>(state.iterations());
  const double ops = 2.0 * static_cast<double>(rows) * static_cast<double>(cols * tokens);
  state.counters["GOPS"] = benchmark::Counter(ops * runs / 1e9, benchmark::Counter::kIsRate);
  state.counters["GBs"] = benchmark::Counter(static_cast<double>(layer.packed_bytes()) * runs / 1e9,
                                             benchmark::Counter::kIsRate);
  state.SetLabel(layer.kernel());
}

/// Shapes of SmolLM2-135M, of a 7B model, of a small encoder, and a matrix that no cache holds.
void shapes(benchmark::internal::Benchmark* bench) {
  for (const std::int64_t tokens : {1, 4, 8, 12, 32, 128, 512}) {
    bench->Args({1536, 576, tokens});
    bench->Args({576, 1536, tokens});
    bench->Args({4096, 4096, tokens});
    bench->Args({1536, 384, tokens});
    bench->Args({384, 1536, tokens});
  }
  bench->Args({49152, 4096, 1});
}

BENCHMARK_CAPTURE(multiply, f32, "f32", Arithmetic::kF32)->Apply(shapes);
BENCHMARK_CAPTURE(multiply, bf16, "bf16", Arithmetic::kNative)->Apply(shapes);
BENCHMARK_CAPTURE(multiply, int4g32s, "int4g32sh", Arithmetic::kNative)->Apply(shapes);
BENCHMARK_CAPTURE(multiply, int4g32a, "int4g32ah", Arithmetic::kNative)->Apply(shapes);
BENCHMARK_CAPTURE(multiply, int4g128s, "int4g128sh", Arithmetic::kNative)->Apply(shapes);
BENCHMARK_CAPTURE(multiply, int8g32s, "int8g32sh", Arithmetic::kNative)->Apply(shapes);
BENCHMARK_CAPTURE(multiply, nf4b64, "nf4b64", Arithmetic::kNative)->Apply(shapes);

}  // namespace
}  // namespace nibble
