#include "quant/convert.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "app/command.h"
#include "base/json.h"
#include "io/checkpoint.h"
#include "io/formats/packed_format.h"
#include "quant/gguf_export.h"

namespace nibble::app {
namespace {

struct Options {
  std::string model;
  std::string out;
  std::string target;
};

int run(const Options& options, const Globals& globals) {
  const auto checkpoint = io::open_checkpoint(options.model).take();
  ThreadPool pool(globals.threads);
  const auto progress = make_progress(globals);
  const auto report =
      (options.target == quant::kGgufTarget
           ? quant::export_gguf(*checkpoint, options.out, pool, *progress)
           : quant::convert_checkpoint(*checkpoint, options.target, options.out, pool, *progress))
          .take();
  print_out(globals.json ? dump_json(quant::convert_json(report)) + "\n"
                         : quant::convert_text(report) + options.out + "\n");
  return 0;
}

}  // namespace

void add_convert(CLI::App& root, Invocation& invocation) {
  CLI::App* command = root.add_subcommand(
      "convert", "Write a quantized model in another tool's format, value for value");
  const auto options = std::make_shared<Options>();
  command->add_option("MODEL", options->model, "A .gguf file or a Hugging Face folder")->required();
  command->add_option("-o,--out,OUT", options->out, "The folder to write; for gguf, the file")
      ->required();
  command
      ->add_option("--to",
                   options->target,
                   fmt::format("The format to write: {}, {}",
                               quant::kGgufTarget,
                               fmt::join(io::format_targets(), ", ")))
      ->required();
  command->callback([&invocation, options] {
    invocation.run = [&invocation, options] { return run(*options, invocation.globals); };
  });
}

}  // namespace nibble::app
