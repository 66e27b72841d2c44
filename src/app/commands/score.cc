#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <iterator>
#include <map>

#include "app/arithmetic_option.h"
#include "app/command.h"
#include "app/kv_option.h"
#include "base/file.h"
#include "eval/engine.h"
#include "eval/request_lines.h"

namespace nibble::app {
namespace {

struct ScoreOptions {
  std::string model;
  std::string requests;
  Arithmetic arithmetic = Arithmetic::kDeterministic;
  const codec::KvScheme* kv = nullptr;
  std::size_t max_context = 0;
  std::size_t batch_tokens = eval::EngineOptions{}.batch_tokens;
  std::size_t batch = 0;
  bool share_prefixes = true;
};

std::string read_requests(const std::string& path) {
  if (path != "-") {
    return read_text_or_gzip(path).take();
  }
  return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
}

/// Prints answers in the order of the requests, each as soon as those before it are there.
class OrderedPrinter {
 public:
  explicit OrderedPrinter(const std::vector<eval::RequestLine>& lines) : lines_(lines) {}

  void add(std::size_t index, const eval::Response& response) {
    waiting_.emplace(index, eval::response_line(lines_[index], response));
    std::string text;
    for (auto it = waiting_.begin(); it != waiting_.end() && it->first == next_;) {
      text += it->second;
      it = waiting_.erase(it);
      ++next_;
    }
    if (!text.empty()) {
      print_out(text);
    }
  }

 private:
  const std::vector<eval::RequestLine>& lines_;
  std::map<std::size_t, std::string> waiting_;
  std::size_t next_ = 0;
};

int run_score(const ScoreOptions& options, const Globals& globals) {
  const std::string where = options.requests == "-" ? "standard input" : options.requests;
  const std::vector<eval::RequestLine> lines =
      eval::parse_request_lines(read_requests(options.requests), where).take();
  const auto progress = make_progress(globals);
  ThreadPool pool(globals.threads);
  model::LoadedModel model =
      model::load_model(
          options.model, {.arithmetic = options.arithmetic, .kv = options.kv}, pool, *progress)
          .take();
  eval::EngineOptions engine_options = eval::default_engine_options(model);
  engine_options.max_context = options.max_context;
  engine_options.batch_tokens = options.batch_tokens;
  engine_options.batch_sequences = options.batch;
  engine_options.share_prefixes = options.share_prefixes;
  eval::Engine engine(model, engine_options);
  std::vector<eval::Request> requests;
  for (const eval::RequestLine& line : lines) {
    requests.push_back(line.request);
  }
  OrderedPrinter printer(lines);
  progress->begin("score", requests.size());
  engine.answer(requests, [&](std::size_t index, const eval::Response& response) {
    progress->advance(1);
    printer.add(index, response);
  });
  progress->end();
  return 0;
}

}  // namespace

void add_score(CLI::App& root, Invocation& invocation) {
  auto options = std::make_shared<ScoreOptions>();
  CLI::App* command =
      root.add_subcommand("score", "Answer raw requests: log-likelihoods, rolling, generation");
  command->add_option("model", options->model, "A .gguf file or a model folder")->required();
  command->add_option("--requests", options->requests, "JSON lines, or - for standard input")
      ->required();
  add_arithmetic_option(*command, options->arithmetic);
  add_kv_option(*command, options->kv);
  command->add_option("-c,--max-context", options->max_context, "Tokens; 0 means the model's own")
      ->check(CLI::Range(std::size_t{0}, kMaxTokens))
      ->capture_default_str();
  command->add_option("--batch-tokens", options->batch_tokens, "New tokens of one pass")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command->add_option("--batch", options->batch, "Sequences of one pass; 0 means as many as fit")
      ->capture_default_str();
  command->add_flag("--prefix-sharing,!--no-prefix-sharing",
                    options->share_prefixes,
                    "Compute what requests have in common once");
  command->footer(
      "Requests: {\"id\", \"context\", \"continuation\"}, {\"id\", \"rolling\"}, or\n"
      "{\"id\", \"prompt\", \"max_tokens\", \"stop\"}.\n"
      "Example: nibble score model.gguf --requests requests.jsonl --arithmetic f32");
  command->callback([options, &invocation] {
    invocation.run = [options, &invocation] { return run_score(*options, invocation.globals); };
  });
}

}  // namespace nibble::app
