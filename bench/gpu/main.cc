// What a GPU reaches on the shapes of Mistral-7B, with random weights made there: decoding by
// batch, a prompt, the same with half and all of the layers in the host's memory, and single
// matrices beside cuBLAS on binary16. One JSON object a line.
//
//   gpu_bench [decode] [coded] [prefill] [stream] [masses] [gemm] [limits] [int4g128] [nf4g128]
//             [fp16] [TOKENS ...]
//
// What is named is measured, else everything: parts, formats, sequences or tokens of a product.
//
// Conditions: greedy decoding of 128 tokens (16 where layers are copied) behind a prompt of 128,
// the tokens of all sequences counted; times of the host's clock around everything, copies
// included. Coded: 64 tokens behind 4,096, by schemes of keys and values, and the prompt of 4,096
// itself. Matrices: a recorded
// sequence of products over copies of the weights that together exceed four times 60 MB, events
// around its replays, the gaps included.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <numeric>
#include <set>
#include <span>
#include <string>

#include "model/attention_mass.h"
#include "model/device/decoder.h"
#include "model/device/stream_plan.h"
#include "ops/device/linear.h"

namespace nibble {
namespace {

constexpr std::size_t kL2Bytes = std::size_t{60} << 20;
constexpr int kRepetitions = 7;

model::ModelConfig mistral() {
  model::ModelConfig config;
  config.architecture = "llama";
  config.name = "Mistral-7B shape";
  config.vocab = 32000;
  config.hidden = 4096;
  config.intermediate = 14336;
  config.n_layers = 32;
  config.n_heads = 32;
  config.n_kv_heads = 8;
  config.head_dim = 128;
  config.context = 32768;
  config.attention_scale = 0.08838834764831845F;
  return config;
}

struct Spread {
  double least, median, most;
};
Spread spread_of(std::vector<double> values) {
  std::ranges::sort(values);
  return {values.front(), values[values.size() / 2], values.back()};
}

void print(const std::string& what, const std::string& unit, const std::vector<double>& values) {
  const Spread s = spread_of(values);
  fmt::print(
      "{{\"case\": \"{}\", \"unit\": \"{}\", \"min\": {:.4g}, \"median\": {:.4g}, \"max\": {:.4g}, "
      "\"n\": {}}}\n",
      what,
      unit,
      s.least,
      s.median,
      s.most,
      values.size());
  std::fflush(stdout);
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

std::vector<std::int32_t> some_tokens(std::size_t n) {
  std::vector<std::int32_t> tokens(n);
  for (std::size_t i = 0; i < n; ++i) {
    tokens[i] = static_cast<std::int32_t>((i * 7919 + 13) % 32000);
  }
  return tokens;
}

class ModelBench {
 public:
  /// With `n_streamed` of the layers in the host's memory.
  ModelBench(const std::shared_ptr<ops::Device>& device,
             kernels::FragmentFormat format,
             std::string label,
             std::size_t n_streamed = 0)
      : label_(std::move(label)),
        config_(mistral()),
        decoder_(config_, Arithmetic::kNative, weights(device, format, n_streamed), device, pool_) {
    fmt::print("{{\"case\": \"{} weights\", \"unit\": \"GB\", \"median\": {:.4g}}}\n",
               label_,
               static_cast<double>(decoder_.weight_bytes()) / 1e9);
  }

  void decode(std::size_t batch) {
    constexpr std::size_t kPrompt = 128;
    const std::size_t n_steps = is_streamed() ? 16 : 128;
    const auto tokens = some_tokens(kPrompt);
    std::vector<double> rates;
    for (int i = 0; i <= repetitions(); ++i) {
      model::KvCache cache = decoder_.make_cache(std::size_t{40} << 30);
      std::vector<model::SequenceChunk> chunks;
      for (std::size_t s = 0; s < batch; ++s) {
        chunks.push_back({cache.create(), tokens});
      }
      decoder_.forward(chunks, cache, {}, {});
      for (auto& chunk : chunks) {
        chunk.tokens = std::span(tokens).first(1);
      }
      const auto start = std::chrono::steady_clock::now();
      decoder_.decode(chunks, cache, n_steps);
      if (i > 0) {  // the first records the pass
        rates.push_back(static_cast<double>(batch * n_steps) / seconds_since(start));
      }
    }
    print(fmt::format("{} decode, batch {}", label_, batch), "tok/s", rates);
    print_bus(fmt::format("decode, batch {}", batch), rates, batch);
  }

  /// Decoding behind 4,096 tokens, and reading them, with keys and values in one scheme.
  void coded(std::string_view scheme, std::size_t batch) {
    constexpr std::size_t kPrompt = 4096, kSteps = 64;
    decoder_.set_kv(
        model::kv_setup(*codec::kv_scheme_from_name(scheme).take(), Arithmetic::kNative));
    const auto tokens = some_tokens(kPrompt);
    std::vector<double> rates, prompt_rates;
    for (int i = 0; i <= 3; ++i) {
      model::KvCache cache = decoder_.make_cache(kCacheBytes);
      std::vector<model::SequenceChunk> chunks;
      auto start = std::chrono::steady_clock::now();
      for (std::size_t s = 0; s < batch; ++s) {
        chunks.push_back({cache.create(), tokens});
        decoder_.forward(std::span(chunks).last(1), cache, {}, {});
      }
      const double prompts = seconds_since(start);
      for (auto& chunk : chunks) {
        chunk.tokens = std::span(tokens).first(1);
      }
      start = std::chrono::steady_clock::now();
      decoder_.decode(chunks, cache, kSteps);
      if (i > 0) {
        rates.push_back(static_cast<double>(batch * kSteps) / seconds_since(start));
        prompt_rates.push_back(static_cast<double>(batch * kPrompt) / prompts);
      }
    }
    print(fmt::format("{} decode at 4096, {}, batch {}", label_, scheme, batch), "tok/s", rates);
    print(fmt::format("{} prefill 4096, {}", label_, scheme), "tok/s", prompt_rates);
    decoder_.set_kv(model::default_kv_setup(Arithmetic::kNative));
  }

  void prefill(std::size_t n) {
    model::KvCache cache = decoder_.make_cache(kCacheBytes);
    std::vector<double> rates;
    for (int i = 0; i <= repetitions(); ++i) {
      const double seconds = prefill_once(n, cache, nullptr);
      if (i > 0) {
        rates.push_back(static_cast<double>(n) / seconds);
      }
    }
    print(fmt::format("{} prefill {}", label_, n), "tok/s", rates);
    print_bus(fmt::format("prefill {}", n), rates, n);
  }

  /// What it costs to measure the attention of the last queries on ten spans: a prefill with and
  /// one without in turns.
  void masses(std::size_t n, std::size_t n_probed) {
    model::AttentionProbe probe;
    for (std::size_t i = 0; i < n_probed; ++i) {
      probe.rows.push_back(n - n_probed + i);
    }
    for (std::size_t s = 0; s < 10; ++s) {
      probe.spans.push_back({s * n / 10, (s + 1) * n / 10});
    }
    model::KvCache cache = decoder_.make_cache(kCacheBytes);
    std::vector<double> more;
    for (int i = 0; i <= 3 * kRepetitions; ++i) {
      model::AttentionMass mass(config_, probe);
      const double plain = prefill_once(n, cache, nullptr);
      const double probed = prefill_once(n, cache, &mass);
      if (i > 0) {
        more.push_back(100.0 * (probed / plain - 1.0));
      }
    }
    print(fmt::format("{} prefill {}, masses of {} queries", label_, n, n_probed), "% more", more);
  }

 private:
  static constexpr std::size_t kCacheBytes = std::size_t{40} << 30;

  [[nodiscard]] model::DeviceWeights weights(const std::shared_ptr<ops::Device>& device,
                                             kernels::FragmentFormat format,
                                             std::size_t n_streamed) const {
    model::DeviceWeights out = model::random_device_weights(
        config_, format, 128, model::spread_layers(config_.n_layers, n_streamed), *device);
    if (out.stream != nullptr) {
      print(fmt::format("{} copy of a layer", label_), "GB/s", {out.stream->measure_bus() / 1e9});
    }
    return out;
  }

  [[nodiscard]] bool is_streamed() const { return decoder_.host_weight_bytes() > 0; }
  /// A token of a model that is copied takes a hundred times as long.
  [[nodiscard]] int repetitions() const { return is_streamed() ? 3 : kRepetitions; }

  /// What streamed layers took of the bus: all of them in every pass of so many tokens.
  void print_bus(const std::string& what, std::vector<double> rates, std::size_t pass_tokens) {
    if (!is_streamed()) {
      return;
    }
    for (double& rate : rates) {
      rate *= static_cast<double>(decoder_.host_weight_bytes()) / static_cast<double>(pass_tokens) /
              1e9;
    }
    print(fmt::format("{} {}, copied", label_, what), "GB/s", rates);
  }

  /// Seconds of a prompt of n tokens.
  double prefill_once(std::size_t n, model::KvCache& cache, model::AttentionMass* mass) {
    const auto tokens = some_tokens(n);
    std::vector<float> hidden(config_.hidden);
    const std::vector<std::uint32_t> last = {static_cast<std::uint32_t>(n - 1)};
    const std::vector<model::SequenceChunk> chunks = {{cache.create(), tokens, mass}};
    const auto start = std::chrono::steady_clock::now();
    decoder_.forward(chunks, cache, last, {hidden.data(), 1, config_.hidden});
    const double seconds = seconds_since(start);
    cache.drop(chunks[0].sequence);
    return seconds;
  }

  std::string label_;
  ThreadPool pool_{1};
  model::ModelConfig config_;
  model::DeviceDecoder decoder_;
};

class GemmBench {
 public:
  explicit GemmBench(ops::Device& device) : device_(device) {
    x_ = device.allocate(kMostTokens * kMostCols * 2);
    device.kernels().random_halves(x_.data(), kMostTokens * kMostCols, 1.0F, 99, device.stream());
    y_ = device.allocate(kMostTokens * kMostRows * 2);
    static_cast<void>(device.runtime().make_event(&begin_));
    static_cast<void>(device.runtime().make_event(&end_));
  }

  void shape(std::size_t rows,
             std::size_t cols,
             kernels::FragmentFormat format,
             const std::string& label,
             std::span<const std::size_t> tokens) {
    ops::RandomMatrix matrix{format, rows, cols, 128, 1};
    std::vector<ops::DeviceLinear> copies;
    std::size_t n_bytes = 0;
    while (n_bytes < 4 * kL2Bytes || copies.size() < 4) {
      matrix.seed += 7;
      copies.push_back(ops::DeviceLinear::random(device_, matrix));
      n_bytes += copies.back().n_bytes();
    }
    for (const std::size_t n : tokens) {
      const auto us = time(copies.size(), [&](std::size_t i) {
        copies[i].apply(device_,
                        ops::DeviceRows{x_.data(), n, cols},
                        {y_.data(), rows, kernels::cuda::Epilogue::kHalf},
                        false,
                        scratch_);
      });
      report(fmt::format("{} {} x {}, M {}", label, rows, cols, n),
             us,
             static_cast<double>(n_bytes) / static_cast<double>(copies.size()),
             2.0 * static_cast<double>(rows * cols * n));
    }
  }

  void dense(std::size_t rows, std::size_t cols, std::span<const std::size_t> tokens) {
    const std::size_t n_bytes = rows * cols * 2;
    std::vector<ops::DeviceBuffer> copies;
    while (copies.size() * n_bytes < 4 * kL2Bytes || copies.size() < 4) {
      copies.push_back(device_.allocate(n_bytes));
      device_.kernels().random_halves(copies.back().data(),
                                      rows * cols,
                                      0.05F,
                                      static_cast<std::uint32_t>(copies.size()),
                                      device_.stream());
    }
    for (const std::size_t n : tokens) {
      kernels::cuda::DenseTask task;
      task.x = x_.data();
      task.y = y_.data();
      task.rows = static_cast<int>(rows);
      task.cols = task.x_stride = static_cast<int>(cols);
      task.y_stride = static_cast<int>(rows);
      task.n_tokens = static_cast<int>(n);
      const auto us = time(copies.size(), [&](std::size_t i) {
        task.w = copies[i].data();
        if (const char* problem = device_.runtime().dense(task, device_.stream())) {
          raise(ErrorCode::kDevice, "{}", problem);
        }
      });
      report(fmt::format("cuBLAS fp16 {} x {}, M {}", rows, cols, n),
             us,
             static_cast<double>(n_bytes),
             2.0 * static_cast<double>(rows * cols * n));
    }
  }

  void limits() {
    const std::size_t n_bytes = std::size_t{2} << 30;
    const ops::DeviceBuffer from = device_.allocate(n_bytes), to = device_.allocate(n_bytes);
    device_.kernels().random_bytes(from.data(), n_bytes, 5, device_.stream());
    const auto us = time(1, [&](std::size_t) { device_.copy(from.data(), to.data(), n_bytes); });
    std::vector<double> rates;
    for (const double t : us) {
      rates.push_back(2.0 * static_cast<double>(n_bytes) / t / 1e3);
    }
    print("device copy, read and write", "GB/s", rates);
  }

 private:
  static constexpr std::size_t kMostTokens = 2048, kMostCols = 14336, kMostRows = 28672;

  /// Microseconds of one product, of several replays of a recorded round over all copies.
  template <class Queue>
  std::vector<double> time(std::size_t n_copies, Queue queue) {
    const auto& runtime = device_.runtime();
    const auto round = [&] {
      for (std::size_t i = 0; i < n_copies; ++i) {
        queue(i);
      }
    };
    round();  // loads modules, chooses algorithms
    device_.synchronize();
    void* graph = nullptr;
    static_cast<void>(runtime.begin_capture(device_.stream()));
    round();
    if (const char* problem = runtime.end_capture(device_.stream(), &graph)) {
      raise(ErrorCode::kDevice, "{}", problem);
    }
    std::vector<double> out;
    for (int i = -2; i < 15; ++i) {
      static_cast<void>(runtime.record_event(begin_, device_.stream()));
      static_cast<void>(runtime.launch_graph(graph, device_.stream()));
      static_cast<void>(runtime.record_event(end_, device_.stream()));
      device_.synchronize();
      float ms = 0.0F;
      static_cast<void>(runtime.elapsed_ms(begin_, end_, &ms));
      if (i >= 0) {
        out.push_back(static_cast<double>(ms) * 1e3 / static_cast<double>(n_copies));
      }
    }
    static_cast<void>(runtime.release_graph(graph));
    device_.check("timing");
    return out;
  }

  void report(const std::string& what,
              const std::vector<double>& us,
              double n_bytes,
              double n_operations) {
    const Spread s = spread_of(us);
    fmt::print(
        "{{\"case\": \"{}\", \"unit\": \"us\", \"min\": {:.4g}, \"median\": {:.4g}, \"max\": "
        "{:.4g}, \"tb_s\": {:.3f}, \"tflops\": {:.1f}}}\n",
        what,
        s.least,
        s.median,
        s.most,
        n_bytes / s.median / 1e6,
        n_operations / s.median / 1e6);
    std::fflush(stdout);
  }

  ops::Device& device_;
  ops::DeviceBuffer x_, y_;
  ops::LinearScratch scratch_;
  void* begin_ = nullptr;
  void* end_ = nullptr;
};

/// The arguments, by what they name.
struct Wanted {
  std::set<std::string> parts, formats;
  std::vector<std::size_t> tokens;

  explicit Wanted(std::span<char*> arguments) {
    for (const std::string_view argument : arguments) {
      std::size_t n = 0;
      const auto [end, error] =
          std::from_chars(argument.data(), argument.data() + argument.size(), n);
      if (error == std::errc()) {
        tokens.push_back(n);
      } else if (argument == "int4g128" || argument == "nf4g128" || argument == "fp16") {
        formats.emplace(argument);
      } else {
        parts.emplace(argument);
      }
    }
  }
  [[nodiscard]] bool has_part(const char* part) const {
    return parts.empty() || parts.contains(part);
  }
  [[nodiscard]] bool has_format(const char* format) const {
    return formats.empty() || formats.contains(format);
  }
  /// Those of `all` that are wanted.
  [[nodiscard]] std::vector<std::size_t> of(std::vector<std::size_t> all) const {
    std::erase_if(all, [&](std::size_t n) {
      return !tokens.empty() && std::ranges::find(tokens, n) == tokens.end();
    });
    return all;
  }
};

constexpr std::pair<kernels::FragmentFormat, const char*> kFormats[] = {
    {kernels::FragmentFormat::kCode4, "int4g128"}, {kernels::FragmentFormat::kLut4, "nf4g128"}};

void run_model(const std::shared_ptr<ops::Device>& device, const Wanted& wanted) {
  for (const auto& [format, label] : kFormats) {
    if (!wanted.has_format(label)) {
      continue;
    }
    ModelBench bench(device, format, label);
    if (wanted.has_part("decode")) {
      for (const std::size_t batch : wanted.of({1, 2, 4, 8, 16, 32, 64})) {
        bench.decode(batch);
      }
    }
    if (wanted.has_part("coded")) {
      for (const char* const scheme : {"f16", "int8", "int4", "kivi-4", "kivi-2"}) {
        for (const std::size_t batch : wanted.of({1, 16})) {
          bench.coded(scheme, batch);
        }
      }
    }
    if (wanted.has_part("prefill")) {
      for (const std::size_t n : wanted.of({512, 2048})) {
        bench.prefill(n);
      }
    }
    if (wanted.has_part("masses")) {
      for (const std::size_t n_probed : {1, 8, 32}) {
        bench.masses(2048, n_probed);
      }
    }
  }
}

/// Layers that stay, beside half and all of them copied for every pass.
void run_streamed(const std::shared_ptr<ops::Device>& device, const Wanted& wanted) {
  for (const auto& [format, label] : kFormats) {
    if (!wanted.has_format(label)) {
      continue;
    }
    const std::size_t n_layers = mistral().n_layers;
    for (const std::size_t n : {std::size_t{0}, n_layers / 2, n_layers}) {
      ModelBench bench(device, format, fmt::format("{}, {} layers streamed,", label, n), n);
      for (const std::size_t batch : wanted.of({1, 16, 64})) {
        bench.decode(batch);
      }
      for (const std::size_t n_tokens : wanted.of({512, 2048})) {
        bench.prefill(n_tokens);
      }
    }
  }
}

void run_matrices(const std::shared_ptr<ops::Device>& device, const Wanted& wanted) {
  const auto tokens = wanted.of({1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 2048});
  GemmBench bench(*device);
  for (const auto& [rows, cols] : {std::pair<std::size_t, std::size_t>{8192, 8192},
                                   {28672, 4096},
                                   {4096, 14336},
                                   {6144, 4096},
                                   {4096, 4096}}) {
    for (const auto& [format, label] : kFormats) {
      if (wanted.has_format(label)) {
        bench.shape(rows, cols, format, label, tokens);
      }
    }
    if (wanted.has_format("fp16")) {
      bench.dense(rows, cols, tokens);
    }
  }
}

void run(const Wanted& wanted) {
  const auto device = ops::Device::open("cuda:0");
  if (wanted.has_part("limits")) {
    GemmBench(*device).limits();
  }
  if (wanted.has_part("decode") || wanted.has_part("coded") || wanted.has_part("prefill") ||
      wanted.has_part("masses")) {
    run_model(device, wanted);
  }
  if (wanted.has_part("stream")) {
    run_streamed(device, wanted);
  }
  if (wanted.has_part("gemm")) {
    run_matrices(device, wanted);
  }
}

}  // namespace
}  // namespace nibble

int main(int argc, char** argv) {
  try {
    nibble::run(nibble::Wanted({argv + 1, argv + argc}));
  } catch (const nibble::Error& error) {
    fmt::print(stderr, "gpu_bench: {}\n", error.what());
    return 1;
  }
  return 0;
}
