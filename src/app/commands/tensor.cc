#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "app/command.h"
#include "base/json.h"
#include "io/safetensors.h"
#include "io/safetensors_writer.h"
#include "quant/matrix.h"
#include "quant/recipe.h"
#include "quant/unpacked.h"

namespace nibble::app {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string in;
  std::string weight;
  std::string recipe = "method=nearest,codec=int4g128a";
  std::string second_moment;
  std::string abs_mean;
  std::string out;
  bool force = false;
};

/// What the recipe does to this one matrix, taken as a linear layer's weight.
struct Assignment {
  const quant::SolveStage* stage = nullptr;
  std::shared_ptr<const codec::Codec> codec;
};

Assignment assign(const quant::Recipe& recipe, std::string_view weight) {
  for (const quant::SolveStage& stage : recipe.stages) {
    const auto* rule = stage.scheme.match(weight);
    const auto& codec = rule != nullptr ? rule->codec : stage.scheme.default_codec;
    if (codec != nullptr) {
      return {&stage, codec};
    }
  }
  raise(ErrorCode::kInvalidArgument, "recipe {} keeps '{}' as it is", recipe.name, weight);
}

/// A float tensor of the file with exactly this shape, all of it finite.
std::vector<float> read_floats(const io::SafetensorsFile& file,
                               const std::string& name,
                               const Shape& shape) {
  const Tensor tensor = file.tensor(name).take();
  if (tensor.shape() != shape) {
    raise(ErrorCode::kShapeMismatch,
          "{}: expected shape {}, found {}",
          name,
          shape_text(shape),
          shape_text(tensor.shape()));
  }
  std::vector<float> values = to_f32(tensor);
  quant::require_finite({values.data(), 1, values.size()}, name);
  return values;
}

/// The statistics that the user named, checked; naming one that the method ignores is an error.
struct Statistics {
  std::vector<double> second_moment;
  std::vector<float> abs_mean;
};

Statistics read_statistics(const Options& options,
                           const io::SafetensorsFile& file,
                           std::size_t cols,
                           const quant::SolverRow& method) {
  Statistics out;
  if (!options.second_moment.empty()) {
    const auto values = read_floats(file, options.second_moment, {cols, cols});
    out.second_moment.assign(values.begin(), values.end());
    if (!method.needs.second_moment) {
      raise(
          ErrorCode::kInvalidArgument, "--second-moment: method '{}' does not use it", method.name);
    }
  }
  if (!options.abs_mean.empty()) {
    out.abs_mean = read_floats(file, options.abs_mean, {cols});
    if (!method.needs.abs_mean) {
      raise(ErrorCode::kInvalidArgument, "--abs-mean: method '{}' does not use it", method.name);
    }
  }
  if (method.needs.second_moment && out.second_moment.empty()) {
    raise(ErrorCode::kInvalidArgument, "method '{}' wants --second-moment NAME", method.name);
  }
  if (method.needs.abs_mean && out.abs_mean.empty()) {
    raise(ErrorCode::kInvalidArgument, "method '{}' wants --abs-mean NAME", method.name);
  }
  return out;
}

void check_output(const Options& options) {
  std::error_code error;
  if (fs::equivalent(options.in, options.out, error)) {
    raise(
        ErrorCode::kInvalidArgument, "{}: is the input; name another file with --out", options.out);
  }
  if (fs::exists(options.out) && !options.force) {
    raise(ErrorCode::kInvalidArgument,
          "{}: exists already; name a new file or give --force",
          options.out);
  }
}

Json describe(const quant::Recipe& recipe,
              const Assignment& assignment,
              const codec::EncodedMatrix& encoded,
              const quant::SquaredError& error) {
  const auto n = static_cast<double>(encoded.rows * encoded.cols);
  return {{"recipe", recipe.text},
          {"recipe_sha256", recipe.hash},
          {"method", assignment.stage->method},
          {"codec", assignment.codec->name()},
          {"rows", encoded.rows},
          {"cols", encoded.cols},
          {"bits_per_weight", assignment.codec->bits_per_weight(encoded.rows, encoded.cols)},
          {"relative_error", error.relative()},
          {"mean_squared_error", n > 0 ? error.difference / n : 0.0},
          {"nibble_version", NIBBLE_VERSION}};
}

void write_parts(const fs::path& path,
                 const codec::EncodedMatrix& encoded,
                 const Json& description) {
  auto writer = io::SafetensorsWriter::create(path).take();
  for (const codec::Part& part : quant::unpacked_parts(encoded)) {
    writer.add(part.name, part.tensor).take();
  }
  for (const auto& [key, value] : description.items()) {
    writer.set_metadata(key, value.is_string() ? value.get<std::string>() : dump_json(value));
  }
  writer.finish().take();
}

int quantize(const Options& options, const Globals& globals) {
  check_output(options);
  const auto recipe = quant::load_recipe(options.recipe).take();
  const auto file = io::SafetensorsFile::open(options.in).take();
  const Tensor tensor = file.tensor(options.weight).take();
  if (tensor.shape().size() != 2) {
    raise(ErrorCode::kShapeMismatch,
          "{}: expected a matrix [rows, cols], found shape {}",
          options.weight,
          shape_text(tensor.shape()));
  }
  const Assignment assignment = assign(recipe, options.weight);
  const std::vector<float> weights = read_floats(file, options.weight, tensor.shape());
  const MatrixView<const float> view{weights.data(), tensor.shape()[0], tensor.shape()[1]};
  const auto* method = quant::find_solver(assignment.stage->method).take();
  const Statistics statistics = read_statistics(options, file, view.cols, *method);

  ThreadPool pool(globals.threads);
  quant::SolveInput input{.weight = view, .abs_mean = statistics.abs_mean};
  if (!statistics.second_moment.empty()) {
    input.second_moment = {statistics.second_moment.data(), view.cols, view.cols};
  }
  const auto solved = assignment.stage->solver->solve(input, assignment.codec, pool);
  Json description =
      describe(recipe, assignment, solved.matrix, quant::squared_error(view, solved.matrix, pool));
  if (!statistics.second_moment.empty()) {
    description["objective"] =
        quant::weighted_error(view, solved.matrix, input.second_moment, pool);
  }
  for (const quant::Fact& fact : solved.facts) {
    description[fact.name] = fact.value;
  }
  write_parts(options.out, solved.matrix, description);
  print_out(globals.json
                ? dump_json(description) + "\n"
                : fmt::format(
                      "{} [{}, {}] with {} to {}: relative error {:.6f}, {:.3f} bits per weight\n",
                      options.weight,
                      view.rows,
                      view.cols,
                      assignment.stage->method,
                      assignment.codec->name(),
                      description["relative_error"].get<double>(),
                      description["bits_per_weight"].get<double>()));
  return 0;
}

}  // namespace

void add_tensor(CLI::App& root, Invocation& invocation) {
  CLI::App* group = root.add_subcommand("tensor", "Run one method on one matrix, to study it");
  group->require_subcommand(1);
  CLI::App* command =
      group->add_subcommand("quantize", "Write codes, parameters and the dequantized matrix");
  const auto options = std::make_shared<Options>();
  command->add_option("IN", options->in, "A safetensors file")->required();
  command->add_option("--weight", options->weight, "Name of the matrix [rows, cols]")->required();
  command
      ->add_option(
          "-r,--recipe", options->recipe, "A built-in recipe, a .toml file, or method=…,codec=…")
      ->capture_default_str();
  command->add_option("--second-moment",
                      options->second_moment,
                      "Name of X^T X [cols, cols], for methods that use it");
  command->add_option(
      "--abs-mean", options->abs_mean, "Name of mean |x| [cols], for methods that use it");
  command->add_option("-o,--out", options->out, "The safetensors file to write")->required();
  command->add_flag("--force", options->force, "Replace an existing file");
  command->callback([&invocation, options] {
    invocation.run = [&invocation, options] { return quantize(*options, invocation.globals); };
  });
}

}  // namespace nibble::app
