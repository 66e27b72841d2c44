#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/auto_bits.h"
#include "app/command.h"
#include "app/device_option.h"
#include "base/file.h"
#include "base/json.h"
#include "io/checkpoint.h"
#include "io/checkpoint_writer.h"
#include "io/safetensors.h"
#include "quant/gguf_export.h"
#include "quant/run.h"

namespace nibble::app {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string model;
  std::string recipe;
  std::string out;
  std::string data = ".";
  std::string device = "cpu";
  std::string imatrix;
  AutoBitsOptions auto_bits;
  bool plan_only = false;
  bool force = false;
};

bool is_same_place(const fs::path& a, const fs::path& b) {
  std::error_code error;
  return fs::weakly_canonical(a, error) == fs::weakly_canonical(b, error);
}

/// Only what this command wrote is ever replaced, never a model from elsewhere.
bool is_replaceable(const fs::path& out) {
  if (out.extension() == ".gguf" && fs::is_regular_file(out)) {
    const auto file = io::open_checkpoint(out);
    return file && (*file)->metadata().contains("nibble.version");
  }
  const auto weights = io::SafetensorsFile::open(out / "model.safetensors");
  return weights && weights->metadata().contains(std::string(quant::kProvenanceKey));
}

void check_output(const Options& options) {
  const fs::path out(options.out);
  if (is_same_place(options.model, out)) {
    raise(ErrorCode::kInvalidArgument,
          "{}: is the input; name another folder with --out",
          options.out);
  }
  if (!fs::exists(out) || (fs::is_directory(out) && fs::is_empty(out))) {
    return;
  }
  if (!options.force) {
    raise(ErrorCode::kInvalidArgument,
          "{}: exists already; name a new folder or give --force",
          options.out);
  }
  if (!is_replaceable(out)) {
    raise(ErrorCode::kInvalidArgument,
          "{}: was not written by nibble quantize, so --force does not replace it",
          options.out);
  }
}

bool is_gguf(const Options& options) {
  return fs::path(options.out).extension() == ".gguf";
}

quant::QuantizePlace place_of(const Options& options) {
  return {options.data, options.device};
}

/// A GGUF file: by way of a folder beside it, which a killed run goes on with.
quant::QuantizeReport write_gguf(const Options& options,
                                 const io::Checkpoint& checkpoint,
                                 const quant::Recipe& recipe,
                                 const Globals& globals) {
  ThreadPool pool(globals.threads);
  const auto progress = make_progress(globals);
  const fs::path folder = fs::path(options.out).concat(".nibble-parts");
  fs::remove_all(folder);
  auto report =
      quant::quantize_checkpoint(checkpoint, recipe, folder, pool, *progress, place_of(options))
          .take();
  {
    const auto parts = io::open_checkpoint(folder).take();
    fs::remove(options.out);  // check_output has asked for --force
    const auto written = quant::export_gguf(*parts, options.out, pool, *progress);
    if (!written) {
      fs::remove_all(folder);
      throw Error(written.failure());
    }
    report.file_bytes = written->file_bytes;
  }
  fs::remove_all(folder);
  return report;
}

quant::QuantizeReport write(const Options& options,
                            const io::Checkpoint& checkpoint,
                            const quant::Recipe& recipe,
                            const Globals& globals) {
  ThreadPool pool(globals.threads);
  const auto progress = make_progress(globals);
  const fs::path out = io::without_trailing_slash(fs::path(options.out).lexically_normal());
  if (!fs::exists(out)) {
    return quant::quantize_checkpoint(checkpoint, recipe, out, pool, *progress, place_of(options))
        .take();
  }
  // The name is the same in every run, so that a killed one is gone on with.
  const fs::path fresh = fs::path(out).concat(".nibble-new");
  fs::remove_all(fresh);
  auto report =
      quant::quantize_checkpoint(checkpoint, recipe, fresh, pool, *progress, place_of(options))
          .take();
  replace_folder(fresh, out).take();
  return report;
}

int run(const Options& options, const Globals& globals) {
  if (!options.plan_only) {
    if (options.out.empty()) {
      raise(ErrorCode::kInvalidArgument,
            "--out is missing; or give --plan to see what would be done");
    }
    check_output(options);
  }
  auto recipe = quant::load_recipe(options.recipe).take();
  if (!options.imatrix.empty()) {
    recipe = quant::with_importance_file(recipe, options.imatrix).take();
  }
  const auto checkpoint = io::open_checkpoint(options.model).take();
  if (options.auto_bits.is_on()) {
    recipe = choose_bits(recipe, *checkpoint, options.auto_bits, options.data, globals);
  }
  const auto plan = quant::make_plan(recipe, *checkpoint).take();
  if (options.plan_only) {
    print_out(globals.json ? dump_json(quant::plan_json(plan)) + "\n" : quant::plan_text(plan));
    return 0;
  }
  if (!globals.json) {
    print_out(quant::plan_text(plan) + "\n");
  }
  const auto report = is_gguf(options) ? write_gguf(options, *checkpoint, recipe, globals)
                                       : write(options, *checkpoint, recipe, globals);
  print_out(globals.json ? dump_json(quant::report_json(report)) + "\n"
                         : quant::report_text(report) + options.out + "\n");
  return 0;
}

}  // namespace

void add_quantize(CLI::App& root, Invocation& invocation) {
  CLI::App* command = root.add_subcommand(
      "quantize", "Quantize a model into a folder that nibble reads, or into a GGUF file");
  const auto options = std::make_shared<Options>();
  command->add_option("MODEL", options->model, "A .gguf file or a Hugging Face folder")->required();
  command
      ->add_option(
          "-r,--recipe", options->recipe, "A built-in recipe, a .toml file, or method=…,codec=…")
      ->required();
  command->add_option(
      "-o,--out", options->out, "The folder to write, or a name that ends in .gguf");
  command->add_option("-d,--data", options->data, "Folder of calibration text")
      ->envname("NIBBLE_DATA")
      ->capture_default_str();
  command->add_option("--imatrix",
                      options->imatrix,
                      "An importance matrix of llama.cpp's, for recipes of method gguf");
  add_device_option(*command, options->device);
  add_auto_bits_options(*command, options->auto_bits);
  command->add_flag("--plan", options->plan_only, "Only print what each weight would get");
  command->add_flag("--force", options->force, "Replace a folder written before");
  command->callback([&invocation, options] {
    invocation.run = [&invocation, options] { return run(*options, invocation.globals); };
  });
}

}  // namespace nibble::app
