// nibble bench: prompt and generation rates under the conventions of llama-bench, so that the two
// tables can be compared: random tokens, a cache that is empty or filled to a depth for each
// repetition, one warm-up run, logits of the last position only. Generation with a batch is that of
// llama-batched-bench: that many sequences go on side by side, and the rate counts the tokens of
// all.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <random>

#include "app/arithmetic_option.h"
#include "app/command.h"
#include "app/device_option.h"
#include "app/kv_option.h"
#include "base/cancel.h"
#include "base/json.h"
#include "kernels/select.h"
#include "model/device/load.h"
#include "model/load.h"

namespace nibble::app {
namespace {

struct BenchOptions {
  std::string model;
  std::vector<std::size_t> prompts = {512};
  std::vector<std::size_t> generations = {128};
  std::vector<std::size_t> batches = {1};
  std::size_t repetitions = 5;
  std::size_t chunk = 512;
  std::vector<std::size_t> depths = {0};
  std::string device = "cpu";
  std::size_t device_memory = 0;
  const codec::KvScheme* kv = nullptr;
  Arithmetic arithmetic = Arithmetic::kNative;
  bool keep_packed = false;
};

/// `batch` sequences of `n_tokens`, each in passes of at most `chunk`, behind `depth` tokens.
struct BenchTest {
  std::string kind;  ///< "pp", "tg"
  std::size_t n_tokens;
  std::size_t chunk;
  std::size_t batch;
  std::size_t depth;

  [[nodiscard]] std::string name() const {
    return fmt::format("{}{}{}{}",
                       kind,
                       n_tokens,
                       depth == 0 ? "" : fmt::format(" @ d{}", depth),
                       batch == 1 ? "" : fmt::format(" x {}", batch));
  }
};

struct BenchResult {
  BenchTest test;
  std::vector<double> tok_s;

  [[nodiscard]] double mean() const {
    return std::accumulate(tok_s.begin(), tok_s.end(), 0.0) / static_cast<double>(tok_s.size());
  }
  /// Of the sample, as llama-bench; one repetition has none.
  [[nodiscard]] std::optional<double> stdev() const {
    if (tok_s.size() < 2) {
      return std::nullopt;
    }
    const double centre = mean();
    double squares = 0.0;
    for (const double rate : tok_s) {
      squares += (rate - centre) * (rate - centre);
    }
    return std::sqrt(squares / static_cast<double>(tok_s.size() - 1));
  }
};

/// Runs random tokens through a model.
class Bench {
 public:
  explicit Bench(model::LanguageModel& model) : model_(model) {}

  /// Fills a cache up to the depth of the tests to come.
  void fill(std::size_t depth, std::size_t chunk) {
    cache_.emplace(model_.make_cache(std::size_t{1} << 40));
    filled_ = cache_->create();
    std::vector<model::SequenceChunk> chunks{{filled_, {}}};
    run(chunks, depth, chunk);
  }

  /// Seconds that the first `n_tokens` of the test take, from a cache of its depth.
  double seconds(const BenchTest& test, std::size_t n_tokens) {
    std::vector<model::SequenceChunk> chunks(test.batch);
    std::ranges::generate(chunks, [&] { return model::SequenceChunk{cache_->fork(filled_), {}}; });
    const auto start = std::chrono::steady_clock::now();
    run(chunks, n_tokens, test.chunk);
    const auto end = std::chrono::steady_clock::now();
    for (const model::SequenceChunk& chunk : chunks) {
      cache_->drop(chunk.sequence);
    }
    return std::chrono::duration<double>(end - start).count();
  }

 private:
  /// `n_tokens` random ones behind each sequence.
  void run(std::span<model::SequenceChunk> chunks, std::size_t n_tokens, std::size_t chunk) {
    std::mt19937 random(42);
    std::uniform_int_distribution<std::int32_t> token(
        0, static_cast<std::int32_t>(model_.config().vocab) - 1);
    std::vector<std::int32_t> tokens(chunks.size() * n_tokens);
    std::ranges::generate(tokens, [&] { return token(random); });
    for (std::size_t first = 0; first < n_tokens; first += chunk) {
      cancel_flag().check();
      const std::size_t n = std::min(chunk, n_tokens - first);
      for (std::size_t i = 0; i < chunks.size(); ++i) {
        chunks[i].tokens = std::span(tokens).subspan(i * n_tokens + first, n);
      }
      step(chunks, n, *cache_);
    }
  }

  /// The chunks, `n` tokens each; logits of the last position of each.
  void step(std::span<const model::SequenceChunk> chunks, std::size_t n, model::KvCache& cache) {
    const model::ModelConfig& config = model_.config();
    std::vector<std::uint32_t> last(chunks.size());
    for (std::size_t i = 0; i < last.size(); ++i) {
      last[i] = static_cast<std::uint32_t>((i + 1) * n - 1);
    }
    hidden_.resize(last.size() * config.hidden);
    logits_.resize(last.size() * config.vocab);
    const MatrixView<float> hidden(hidden_.data(), last.size(), config.hidden);
    model_.forward(chunks, cache, last, hidden);
    model_.head(hidden, {logits_.data(), last.size(), config.vocab});
  }

  model::LanguageModel& model_;
  std::optional<model::KvCache> cache_;
  model::SequenceId filled_ = 0;
  std::vector<float> hidden_;
  std::vector<float> logits_;
};

BenchResult measure(Bench& bench, const BenchTest& test, std::size_t repetitions) {
  BenchResult result{test, {}};
  bench.seconds(test, test.chunk == 1 ? 1 : test.n_tokens);  // warm-up
  for (std::size_t i = 0; i < repetitions; ++i) {
    result.tok_s.push_back(static_cast<double>(test.n_tokens * test.batch) /
                           bench.seconds(test, test.n_tokens));
  }
  return result;
}

std::vector<BenchTest> list_tests(const BenchOptions& options) {
  std::vector<BenchTest> tests;
  for (const std::size_t depth : options.depths) {
    for (const std::size_t n : options.prompts) {
      tests.push_back({"pp", n, options.chunk, 1, depth});
    }
    for (const std::size_t n : options.generations) {
      for (const std::size_t batch : options.batches) {
        tests.push_back({"tg", n, 1, batch, depth});
      }
    }
  }
  return tests;
}

std::vector<BenchResult> measure_all(const BenchOptions& options,
                                     model::LanguageModel& model,
                                     ProgressSink& progress) {
  Bench bench(model);
  std::vector<BenchResult> results;
  const std::vector<BenchTest> tests = list_tests(options);
  progress.begin("bench", tests.size());
  std::optional<std::size_t> depth;
  for (const BenchTest& test : tests) {
    if (depth != test.depth) {
      depth = test.depth;
      bench.fill(test.depth, options.chunk);
    }
    results.push_back(measure(bench, test, options.repetitions));
    progress.advance(1);
  }
  progress.end();
  return results;
}

/// Of the processor, or the device that runs the model.
std::string kernels_of(const model::LanguageModel& model) {
  return model.device() == "cpu" ? std::string(kernels::kernels().name) : model.device();
}

std::string as_table(const model::LanguageModel& model, const std::vector<BenchResult>& results) {
  constexpr double kMiB = 1024.0 * 1024.0;
  std::string out =
      "| model | weights | params | arithmetic | kv | kernels | threads | test | t/s |\n"
      "|---|---:|---:|---|---|---|---:|---:|---:|\n";
  for (const BenchResult& result : results) {
    out +=
        fmt::format("| {} | {:.2f} MiB | {:.2f} M | {} | {} | {} | {} | {} | {:.2f}{} |\n",
                    model.config().name.empty() ? model.config().architecture : model.config().name,
                    static_cast<double>(model.weight_bytes()) / kMiB,
                    static_cast<double>(model.config().n_parameters()) / 1e6,
                    arithmetic_name(model.arithmetic()),
                    model.kv().name(),
                    kernels_of(model),
                    model.pool().size(),
                    result.test.name(),
                    result.mean(),
                    result.stdev() ? fmt::format(" ± {:.2f}", *result.stdev()) : "");
  }
  return out;
}

std::string as_json(const model::LanguageModel& model, const std::vector<BenchResult>& results) {
  Json tests = Json::array();
  for (const BenchResult& result : results) {
    tests.push_back({{"test", result.test.name()},
                     {"tokens", result.test.n_tokens},
                     {"batch", result.test.batch},
                     {"depth", result.test.depth},
                     {"mean_tok_s", result.mean()},
                     {"stdev_tok_s", or_null(result.stdev())},
                     {"samples_tok_s", result.tok_s}});
  }
  const Json document = {{"model", model.config().name},
                         {"weight_bytes", model.weight_bytes()},
                         {"host_weight_bytes", model.host_weight_bytes()},
                         {"most_device_bytes", or_null(model.most_device_bytes())},
                         {"parameters", model.config().n_parameters()},
                         {"arithmetic", arithmetic_name(model.arithmetic())},
                         {"kv", model.kv().name()},
                         {"kernels", kernels_of(model)},
                         {"threads", model.pool().size()},
                         {"tests", tests}};
  return dump_json(document) + "\n";
}

void check_lengths(const BenchOptions& options, const model::ModelConfig& config) {
  if (options.prompts.empty() && options.generations.empty()) {
    raise(ErrorCode::kInvalidArgument, "nothing to measure: --n-prompt and --n-gen are both 0");
  }
  for (const std::vector<std::size_t>* lengths : {&options.prompts, &options.generations}) {
    for (const std::size_t n : *lengths) {
      const std::size_t most = n + std::ranges::max(options.depths);
      if (most > config.context) {
        raise(ErrorCode::kInvalidArgument,
              "a test of {} tokens, wanted at most the model's context of {}",
              most,
              config.context);
      }
    }
  }
}

int run_bench(const BenchOptions& options, const Globals& globals) {
  const auto progress = make_progress(globals);
  ThreadPool pool(globals.threads);
  const auto checkpoint = io::open_checkpoint(options.model).take();
  const model::ModelConfig config = model::read_config(*checkpoint).take();
  check_lengths(options, config);
  const auto model =
      options.device == "cpu"
          ? model::build_model(
                *checkpoint, config, options.arithmetic, pool, *progress, options.keep_packed)
          : model::build_device_model(*checkpoint,
                                      config,
                                      options.arithmetic,
                                      {options.device, options.device_memory},
                                      pool,
                                      *progress);
  model->set_kv(model::read_kv_setup(*checkpoint, config, options.arithmetic, options.kv).take());
  const std::vector<BenchResult> results = measure_all(options, *model, *progress);
  print_out(globals.json ? as_json(*model, results) : as_table(*model, results));
  return 0;
}

}  // namespace

void add_bench(CLI::App& root, Invocation& invocation) {
  auto options = std::make_shared<BenchOptions>();
  CLI::App* command =
      root.add_subcommand("bench", "Measure how fast a model reads and writes tokens");
  command->add_option("model", options->model, "A .gguf file or a model folder")->required();
  command->add_option("-p,--n-prompt", options->prompts, "Prompt lengths: 512,2048")
      ->delimiter(',')
      ->check(CLI::Range(std::size_t{0}, kMaxTokens))
      ->capture_default_str();
  command->add_option("-n,--n-gen", options->generations, "Tokens to generate: 128")
      ->delimiter(',')
      ->check(CLI::Range(std::size_t{0}, kMaxTokens))
      ->capture_default_str();
  command
      ->add_option("-b,--batch",
                   options->batches,
                   "Sequences that generate side by side: 1,2,4,8,16; rates count all of them")
      ->delimiter(',')
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  command
      ->add_option("-d,--depth",
                   options->depths,
                   "Tokens that are in the cache before a test begins: 0,1024")
      ->delimiter(',')
      ->check(CLI::Range(std::size_t{0}, kMaxTokens))
      ->capture_default_str();
  command->add_option("-r,--repetitions", options->repetitions, "Repetitions of each test")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command->add_option("-u,--ubatch", options->chunk, "Prompt tokens of one pass")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  add_arithmetic_option(*command, options->arithmetic);
  add_device_options(*command, options->device, options->device_memory);
  add_kv_option(*command, options->kv);
  command->add_flag("--keep-packed",
                    options->keep_packed,
                    "Keep the packed weights beside the model, and start from them next time");
  command->footer("Example: nibble bench model.gguf -p 512 -n 128 -r 5 -t 1");
  command->callback([options, &invocation] {
    std::erase(options->prompts, 0U);
    std::erase(options->generations, 0U);
    invocation.run = [options, &invocation] { return run_bench(*options, invocation.globals); };
  });
}

}  // namespace nibble::app
