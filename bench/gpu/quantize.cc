// Quantizes a checkpoint on a GPU as `nibble quantize --device` does, and prints what each part of a model took. One JSON
// object.
//
//   gpu_quantize MODEL RECIPE OUT [DATA] [DEVICE]
#include <fmt/format.h>

#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "base/error.h"
#include "io/checkpoint.h"
#include "quant/run.h"

namespace nibble {
namespace {

int run(std::span<char*> arguments) {
  if (arguments.size() < 3) {
    fmt::print(stderr, "gpu_quantize MODEL RECIPE OUT [DATA] [DEVICE]\n");
    return 2;
  }
  ThreadPool pool;
  const auto checkpoint = io::open_checkpoint(arguments[0]).take();
  const auto recipe = quant::load_recipe(arguments[1]).take();
  const quant::QuantizePlace place{.data = arguments.size() > 3 ? arguments[3] : ".",
                                   .device = arguments.size() > 4 ? arguments[4] : "cuda:0"};
  const auto report =
      quant::quantize_checkpoint(*checkpoint, recipe, arguments[2], pool, silent_progress(), place)
          .take();
  std::map<std::string, double> by_part;
  double in_weights = 0;
  for (const quant::WeightReport& weight : report.weights) {
    by_part[weight.weight.substr(weight.weight.rfind('.', weight.weight.size() - 8) + 1)] +=
        weight.seconds;
    in_weights += weight.seconds;
  }
  fmt::print("{}\n",
             dump_json({{"recipe", recipe.name},
                        {"device", place.device},
                        {"seconds", report.seconds},
                        {"seconds_in_weights", in_weights},
                        {"seconds_by_part", by_part},
                        {"n_weights", report.weights.size()},
                        {"relative_error", report.relative_error},
                        {"file_bytes", report.file_bytes}}));
  return 0;
}

}  // namespace
}  // namespace nibble

int main(int argc, char** argv) {
  try {
    return nibble::run({argv + 1, argv + argc});
  } catch (const nibble::Error& error) {
    fmt::print(stderr, "gpu_quantize: {}\n", error.what());
    return 1;
  }
}
