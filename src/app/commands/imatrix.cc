#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "app/command.h"
#include "base/json.h"
#include "io/checkpoint.h"
#include "quant/importance.h"

namespace nibble::app {
namespace {

struct Options {
  std::string model;
  std::string out;
  std::string data = ".";
  quant::CalibrationSpec spec;
};

int run(const Options& options, const Globals& globals) {
  const auto checkpoint = io::open_checkpoint(options.model).take();
  ThreadPool pool(globals.threads);
  const auto progress = make_progress(globals);
  const auto report =
      quant::write_importance(*checkpoint, options.spec, options.data, options.out, pool, *progress)
          .take();
  if (globals.json) {
    print_out(dump_json({{"n_weights", report.n_weights},
                         {"n_tokens", report.n_tokens},
                         {"calibration_sha256", report.calibration_sha256}}) +
              "\n");
  } else {
    print_out(fmt::format("inputs of {} weights over {} tokens\n{}\n",
                          report.n_weights,
                          report.n_tokens,
                          options.out));
  }
  return 0;
}

}  // namespace

void add_imatrix(CLI::App& root, Invocation& invocation) {
  CLI::App* command = root.add_subcommand(
      "imatrix", "Write an importance matrix, for quantize --imatrix and for llama.cpp");
  const auto options = std::make_shared<Options>();
  command->add_option("MODEL", options->model, "A .gguf file or a Hugging Face folder")->required();
  command->add_option("-o,--out", options->out, "The file to write")->required();
  command->add_option("-d,--data", options->data, "Folder of calibration text")
      ->envname("NIBBLE_DATA")
      ->capture_default_str();
  command->add_option("--source", options->spec.source, "wikitext2, c4, or a file of text")
      ->capture_default_str();
  command->add_option("--windows", options->spec.n_windows, "Windows of text")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command->add_option("--window-tokens", options->spec.window, "Tokens of each window")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  command->callback([&invocation, options] {
    invocation.run = [&invocation, options] { return run(*options, invocation.globals); };
  });
}

}  // namespace nibble::app
