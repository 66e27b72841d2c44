// What this machine can do at all, on one thread: reads from memory, float32 FMA, bfloat16 and int8
// dot products.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#if defined(__AVX512F__)
#include <immintrin.h>

namespace {

constexpr int kChains = 8;

void read_memory(benchmark::State& state) {
  const auto n_bytes = static_cast<std::size_t>(state.range(0));
  std::vector<__m512i> data(n_bytes / sizeof(__m512i));
  for (auto _ : state) {
    __m512i sums[8] = {};
    for (std::size_t i = 0; i + 8 <= data.size(); i += 8) {
      for (std::size_t k = 0; k < 8; ++k) {
        sums[k] = _mm512_xor_si512(sums[k], data[i + k]);
      }
    }
    for (__m512i& sum : sums) {
      asm volatile("" : "+v"(sum));
    }
  }
  state.counters["GBs"] = benchmark::Counter(
      static_cast<double>(n_bytes) * static_cast<double>(state.iterations()) / 1e9,
      benchmark::Counter::kIsRate);
}
BENCHMARK(read_memory)->Arg(512 << 10)->Arg(8 << 20)->Arg(256 << 20);

/// `step` on independent registers; `ops` operations an instruction.
template <class Register, class Step>
void peak(benchmark::State& state, double ops, const Step& step) {
  Register a{}, b{}, c{}, d{}, e{}, f{}, g{}, h{};
  for (auto _ : state) {
    for (int i = 0; i < 1000; ++i) {
      a = step(a), b = step(b), c = step(c), d = step(d);
      e = step(e), f = step(f), g = step(g), h = step(h);
      asm volatile("" : "+v"(a), "+v"(b), "+v"(c), "+v"(d), "+v"(e), "+v"(f), "+v"(g), "+v"(h));
    }
  }
  state.counters["GOPS"] =
      benchmark::Counter(ops * 1000 * kChains * static_cast<double>(state.iterations()) / 1e9,
                         benchmark::Counter::kIsRate);
}

void fma_f32(benchmark::State& state) {
  const __m512 x = _mm512_set1_ps(0.5F);
  peak<__m512>(state, 32, [x](__m512 sum) { return _mm512_fmadd_ps(sum, x, x); });
}
BENCHMARK(fma_f32);

#if defined(__AVX512BF16__)
void dot_bf16(benchmark::State& state) {
  const auto x = reinterpret_cast<__m512bh>(_mm512_set1_epi16(0x3C10));
  peak<__m512>(state, 64, [x](__m512 sum) { return _mm512_dpbf16_ps(sum, x, x); });
}
BENCHMARK(dot_bf16);
#endif

#if defined(__AVX512VNNI__)
void dot_int8(benchmark::State& state) {
  const __m512i x = _mm512_set1_epi8(3);
  peak<__m512i>(state, 128, [x](__m512i sum) { return _mm512_dpbusd_epi32(sum, x, x); });
}
BENCHMARK(dot_int8);
#endif

}  // namespace
#endif
