// What this machine can do at all, on one thread, with the units of each instruction set.
#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "kernels/select.h"

namespace nibble {
namespace {

void count(benchmark::State& state, const char* unit, double per_iteration) {
  state.counters[unit] = benchmark::Counter(
      per_iteration * static_cast<double>(state.iterations()) / 1e9, benchmark::Counter::kIsRate);
}

void run_peak(benchmark::State& state, const kernels::PeakProbe& probe) {
  for (auto _ : state) {
    probe.run();
  }
  count(state, "GOPS", probe.ops_per_call);
}

void run_read(benchmark::State& state, const kernels::Probes& probes) {
  const auto n_bytes = static_cast<std::size_t>(state.range(0));
  const std::vector<std::byte> bytes(n_bytes, std::byte{1});
  for (auto _ : state) {
    benchmark::DoNotOptimize(probes.read(bytes.data(), n_bytes));
  }
  count(state, "GBs", static_cast<double>(n_bytes));
}

const int kRegistered = [] {
  for (const kernels::KernelSet& set : kernels::usable_kernel_sets()) {
    const std::string name(set.name);
    for (const kernels::PeakProbe& probe : set.probes->peaks) {
      benchmark::RegisterBenchmark((name + "/" + std::string(probe.instruction)).c_str(),
                                   [&probe](benchmark::State& state) { run_peak(state, probe); });
    }
    benchmark::RegisterBenchmark((name + "/read").c_str(),
                                 [&set](benchmark::State& state) { run_read(state, *set.probes); })
        ->Arg(512 << 10)
        ->Arg(8 << 20)
        ->Arg(256 << 20);
  }
  return 0;
}();

}  // namespace
}  // namespace nibble
