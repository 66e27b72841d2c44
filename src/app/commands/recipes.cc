#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <optional>

#include "app/command.h"
#include "base/json.h"
#include "quant/recipe.h"

namespace nibble::app {
namespace {

/// "–" for a recipe that leaves the weights alone.
/// The stage that the linear layers get: the first with a codec for all; nullptr where weights stay
/// as they are.
const quant::SolveStage* main_stage(const quant::Recipe& recipe) {
  for (const quant::SolveStage& stage : recipe.stages) {
    if (stage.scheme.default_codec != nullptr) {
      return &stage;
    }
  }
  return recipe.stages.empty() ? nullptr : &recipe.stages.front();
}

std::string method_of(const quant::Recipe& recipe) {
  const quant::SolveStage* stage = main_stage(recipe);
  return stage == nullptr ? "–" : stage->method;
}

std::string codec_of(const quant::Recipe& recipe) {
  const quant::SolveStage* stage = main_stage(recipe);
  if (stage == nullptr) {
    return "keep";
  }
  if (stage->scheme.mixture != nullptr) {
    return "mixture";
  }
  const auto& codec = stage->scheme.default_codec;
  return codec == nullptr ? "keep" : codec->name();
}

/// Bits of a large matrix, where shares that depend on its shape are small.
std::optional<double> bits_of(const quant::Recipe& recipe) {
  const quant::SolveStage* stage = main_stage(recipe);
  if (stage == nullptr || stage->scheme.default_codec == nullptr) {
    return std::nullopt;
  }
  return stage->scheme.default_codec->bits_per_weight(4096, 4096);
}

int list(const Globals& globals) {
  Json all = Json::array();
  std::string text = fmt::format(
      "{:<26} {:<10} {:<12} {:>8}  {}\n", "recipe", "method", "codec", "bits/w", "what");
  for (const quant::BuiltinRecipe& row : quant::builtin_recipes()) {
    const auto recipe = quant::load_recipe(row.name).take();
    const auto bits = bits_of(recipe);
    text += fmt::format("{:<26} {:<10} {:<12} {:>8}  {}\n",
                        recipe.name,
                        method_of(recipe),
                        codec_of(recipe),
                        bits ? fmt::format("{:.3f}", *bits) : "–",
                        recipe.summary);
    all.push_back({{"name", recipe.name},
                   {"summary", recipe.summary},
                   {"method", method_of(recipe)},
                   {"kv", recipe.kv == nullptr ? Json(nullptr) : Json(recipe.kv->name)},
                   {"codec", codec_of(recipe)},
                   {"bits_per_weight", or_null(bits)},
                   {"sha256", recipe.hash}});
  }
  print_out(globals.json ? dump_json(all) + "\n" : text);
  return 0;
}

int show(const Globals& globals, const std::string& name) {
  const auto recipe = quant::load_recipe(name).take();
  if (globals.json) {
    print_out(dump_json({{"name", recipe.name},
                         {"summary", recipe.summary},
                         {"text", recipe.text},
                         {"sha256", recipe.hash}}) +
              "\n");
    return 0;
  }
  print_out(fmt::format("# sha256 {}\nname = {}\nsummary = {}\n\n{}",
                        recipe.hash,
                        quant::toml_text(recipe.name),
                        quant::toml_text(recipe.summary),
                        recipe.text));
  return 0;
}

}  // namespace

void add_recipes(CLI::App& root, Invocation& invocation) {
  CLI::App* command =
      root.add_subcommand("recipes", "List the built-in recipes, or show one in full");
  const auto name = std::make_shared<std::string>();
  command->add_option("NAME", *name, "A built-in recipe, a .toml file, or method=…,codec=…");
  command->callback([&invocation, name] {
    invocation.run = [&invocation, name] {
      return name->empty() ? list(invocation.globals) : show(invocation.globals, *name);
    };
  });
}

}  // namespace nibble::app
