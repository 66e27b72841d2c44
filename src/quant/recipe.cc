#include "quant/recipe.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/hash.h"
#include "base/suggest.h"
#include "codec/codecs.h"

namespace nibble::quant {
namespace {

constexpr std::string_view kStageKinds[] = {"transform", "solve", "correct"};
constexpr std::string_view kKeep = "keep";

/// The codec of one line of a scheme; nullptr for "keep".
std::shared_ptr<const codec::Codec> read_codec(TomlTable& scheme,
                                               std::string_view key,
                                               const SolveStage& stage) {
  const auto name = scheme.required<std::string>(key);
  if (name == kKeep) {
    return nullptr;
  }
  auto codec = codec::codec_from_name(name);
  if (!codec) {
    scheme.reject(key, codec.failure().message + ", or keep");
  }
  if (const auto fits = stage.solver->check(**codec); !fits) {
    scheme.reject(key, fits.failure().message);
  }
  return std::move(*codec);
}

const Mixture* read_mixture(TomlTable& scheme, const SolveStage& stage) {
  const auto mixture = find_mixture(scheme.required<std::string>("mixture"));
  if (!mixture) {
    scheme.reject("mixture", mixture.failure().message);
  }
  const auto codec = codec::codec_from_name((*mixture)->codec).take();
  if (const auto fits = stage.solver->check(*codec); !fits) {
    scheme.reject("mixture", fits.failure().message);
  }
  if (scheme.has("default")) {
    scheme.reject("default", "a mixture stands in its place");
  }
  return *mixture;
}

Scheme read_scheme(TomlTable& stage_table, const SolveStage& stage) {
  auto table = stage_table.table("scheme");
  if (!table) {
    stage_table.reject("scheme", "missing, expected a table such as { default = \"int4g64a\" }");
  }
  Scheme out;
  for (const std::string& key : table->keys()) {
    if (key == "mixture") {
      out.mixture = read_mixture(*table, stage);
      continue;
    }
    auto codec = read_codec(*table, key, stage);
    if (key == "default") {
      out.default_codec = std::move(codec);
    } else {
      out.rules.push_back({key, std::move(codec)});
    }
  }
  table->finish();
  return out;
}

std::string_view kind_of(TomlTable& table) {
  std::vector<std::string_view> found;
  std::ranges::copy_if(kStageKinds, std::back_inserter(found), [&](std::string_view kind) {
    return table.has(kind);
  });
  if (found.empty()) {
    for (const std::string_view kind : kStageKinds) {
      table.refuse_misspelling_of(kind);
    }
  }
  if (found.size() != 1) {
    table.reject(found.empty() ? "solve" : found[1],
                 "a stage has exactly one of transform, solve and correct");
  }
  return found[0];
}

TransformStage read_transform(TomlTable& table) {
  TransformStage out;
  out.method = table.required<std::string>("transform");
  const auto row = find_transform(out.method);
  if (!row) {
    table.reject("transform", row.failure().message);
  }
  out.transform = (*row)->make(table);
  table.finish();
  return out;
}

SolveStage read_solve(TomlTable& table) {
  SolveStage out;
  out.method = table.required<std::string>("solve");
  const auto row = find_solver(out.method);
  if (!row) {
    table.reject("solve", row.failure().message);
  }
  out.solver = (*row)->make(table);
  out.needs = (*row)->needs | out.solver->needs();
  out.scheme = read_scheme(table, out);
  table.finish();
  return out;
}

const CorrectionRow* read_correction(TomlTable& table, const Recipe& recipe) {
  const auto row = find_correction(table.required<std::string>("correct"));
  if (!row) {
    table.reject("correct", row.failure().message);
  }
  if (recipe.stages.empty()) {
    table.reject("correct", "must stand behind the solve stages");
  }
  for (const SolveStage& stage : recipe.stages) {
    if (stage.needs.block) {
      table.reject("correct",
                   fmt::format("does not go with '{}', which solves for whole blocks at once",
                               stage.method));
    }
  }
  table.finish();
  return *row;
}

std::string codec_text(const std::shared_ptr<const codec::Codec>& codec) {
  return codec == nullptr ? std::string(kKeep) : codec->name();
}

/// Reads one stage behind those that `recipe` has.
void read_stage(TomlTable& table, Recipe& recipe) {
  const std::string_view kind = kind_of(table);
  if (recipe.correction != nullptr) {
    table.reject(kind, "must stand before the correct stage, which is the last");
  }
  if (kind == "solve") {
    recipe.stages.push_back(read_solve(table));
    return;
  }
  if (kind == "correct") {
    recipe.correction = read_correction(table, recipe);
    return;
  }
  if (!recipe.stages.empty()) {
    table.reject("transform", "must stand before the solve stages");
  }
  TransformStage stage = read_transform(table);
  if (!stage.transform->looks_at_inputs() && !recipe.transforms.empty() &&
      recipe.transforms.back().transform->looks_at_inputs()) {
    table.reject("transform",
                 "rewrites the whole model, so must stand before those that look at inputs");
  }
  recipe.transforms.push_back(std::move(stage));
}

/// Every codec of the recipe must suit its transforms.
void check_transforms(const Recipe& recipe, const TomlTable& root) {
  for (const TransformStage& transform : recipe.transforms) {
    const auto check = [&](const std::shared_ptr<const codec::Codec>& codec) {
      if (codec == nullptr) {
        return;
      }
      if (const auto fits = transform.transform->check(*codec); !fits) {
        root.reject("stage", fits.failure().message);
      }
    };
    for (const SolveStage& stage : recipe.stages) {
      check(stage.scheme.mixture == nullptr
                ? stage.scheme.default_codec
                : codec::codec_from_name(stage.scheme.mixture->codec).take());
      std::ranges::for_each(stage.scheme.rules, check, &SchemeRule::codec);
    }
  }
}

std::string canonical_text(const Recipe& recipe) {
  std::string out =
      recipe.kv == nullptr ? std::string() : fmt::format("kv = \"{}\"\n", recipe.kv->name);
  out += recipe.kv_weighing == KvWeighing::kGradients ? "kv_weighing = \"gradients\"\n" : "";
  out += recipe.calibration ? calibration_text(*recipe.calibration) : "";
  if (recipe.activations.is_on()) {
    out += fmt::format("[activations]\nbits = {}\nclip = {}\noutliers = {}\n",
                       recipe.activations.bits,
                       recipe.activations.clip,
                       recipe.activations.outliers);
  }
  for (const TransformStage& stage : recipe.transforms) {
    out += fmt::format("[[stage]]\ntransform = \"{}\"\n", stage.method);
    for (const auto& [key, value] : stage.transform->settings()) {
      out += fmt::format("{} = {}\n", key, value);
    }
  }
  for (const SolveStage& stage : recipe.stages) {
    out += fmt::format("[[stage]]\nsolve = \"{}\"\n", stage.method);
    for (const auto& [key, value] : stage.solver->settings()) {
      out += fmt::format("{} = {}\n", key, value);
    }
    out += stage.scheme.mixture == nullptr
               ? fmt::format("scheme = {{ default = \"{}\"", codec_text(stage.scheme.default_codec))
               : fmt::format("scheme = {{ mixture = \"{}\"", stage.scheme.mixture->name);
    for (const SchemeRule& rule : stage.scheme.rules) {
      out += fmt::format(", {} = \"{}\"", toml_text(rule.pattern), codec_text(rule.codec));
    }
    out += " }\n";
  }
  if (recipe.correction != nullptr) {
    out += fmt::format("[[stage]]\ncorrect = \"{}\"\n", recipe.correction->name);
  }
  return out;
}

/// The table [calibration], or what it is by default; nothing for recipes that look at no data.
std::optional<CalibrationSpec> calibration_of(TomlTable& root, const Recipe& recipe) {
  auto table = root.table("calibration");
  const bool is_needed =
      recipe.looks_at_inputs() || (recipe.kv != nullptr && recipe.kv->needs_tables());
  if (table && !is_needed) {
    root.reject("calibration", "no stage looks at inputs");
  }
  if (!is_needed) {
    return std::nullopt;
  }
  CalibrationSpec out = table ? read_calibration(*table) : CalibrationSpec{};
  const bool compares = std::ranges::any_of(
      recipe.stages, [](const SolveStage& stage) { return stage.needs.cross_moment; });
  if (compares && out.inputs == BlockInputs::kOriginal) {
    root.reject("calibration",
                "a stage with asymmetry makes up for quantized blocks, so it wants inputs = "
                "\"quantized\"");
  }
  return out;
}

const codec::KvScheme* read_kv(TomlTable& root) {
  const auto name = root.optional<std::string>("kv");
  if (!name) {
    return nullptr;
  }
  const auto scheme = codec::kv_scheme_from_name(*name);
  if (!scheme) {
    root.reject("kv", scheme.failure().message);
  }
  return *scheme;
}

KvWeighing read_kv_weighing(TomlTable& root, const codec::KvScheme* kv) {
  const auto name = root.optional<std::string>("kv_weighing");
  if (!name) {
    return KvWeighing::kAlike;
  }
  if (kv == nullptr || !kv->needs_tables()) {
    root.reject("kv_weighing", "wants a kv scheme whose tables are calibrated (kvquant-4)");
  }
  if (*name != "alike" && *name != "gradients") {
    root.reject("kv_weighing",
                fmt::format("'{}' is not known, expected alike or gradients", *name));
  }
  return *name == "gradients" ? KvWeighing::kGradients : KvWeighing::kAlike;
}

ops::TokenRounding activations_of(TomlTable& root) {
  ops::TokenRounding out;
  auto table = root.table("activations");
  if (!table) {
    return out;
  }
  const auto bits = table->required<std::int64_t>("bits");
  const double clip = table->optional<double>("clip").value_or(1.0);
  const double outliers = table->optional<double>("outliers").value_or(0.0);
  if (bits < 2 || bits > 8) {
    table->reject("bits", "expected 2 to 8");
  }
  if (!(clip > 0) || clip > 1) {
    table->reject("clip", "expected a number above 0 and up to 1");
  }
  if (!(outliers >= 0)) {
    table->reject("outliers", "expected a size, or 0 for none");
  }
  table->finish();
  return {static_cast<std::size_t>(bits), static_cast<float>(clip), static_cast<float>(outliers)};
}

Recipe read_recipe(TomlTable root) {
  Recipe out;
  out.name = root.required<std::string>("name");
  if (out.name.empty()) {
    root.reject("name", "must not be empty");
  }
  out.summary = root.optional<std::string>("summary").value_or("");
  out.kv = read_kv(root);
  out.kv_weighing = read_kv_weighing(root, out.kv);
  for (TomlTable& table : root.tables("stage")) {
    read_stage(table, out);
  }
  out.calibration = calibration_of(root, out);
  out.activations = activations_of(root);
  root.finish();
  if (out.stages.empty() && (out.kv == nullptr || !out.transforms.empty())) {
    root.reject("stage", "missing, expected at least one [[stage]] with solve");
  }
  check_transforms(out, root);
  out.text = canonical_text(out);
  out.hash = sha256_hex(out.text);
  return out;
}

/// A value of the inline form as TOML: numbers, true and false as they are, the rest as text.
std::string toml_value(std::string_view value) {
  double number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  const bool is_number = error == std::errc{} && end == value.data() + value.size();
  return is_number || value == "true" || value == "false" ? std::string(value) : toml_text(value);
}

bool is_setting_name(std::string_view text) {
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

/// "method=nearest,codec=int4g128a,range=raw" as TOML.
Result<std::string> inline_to_toml(std::string_view text) {
  std::string kv;
  std::string stage;
  std::string codec;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view item = text.substr(begin, end - begin);
    const std::size_t equals = item.find('=');
    const std::string_view key = item.substr(0, equals);
    if (equals == std::string_view::npos || !is_setting_name(key)) {
      return fail(ErrorCode::kInvalidArgument,
                  "recipe '{}': expected setting=value, found '{}'",
                  text,
                  item);
    }
    const std::string_view value = item.substr(equals + 1);
    if (key == "kv") {
      kv = fmt::format("kv = {}\n", toml_text(value));
    } else if (key == "codec") {
      codec = value;
    } else {
      stage += fmt::format("{} = {}\n", key == "method" ? "solve" : key, toml_value(value));
    }
    begin = end + 1;
  }
  std::string out = fmt::format("name = {}\n{}", toml_text(text), kv);
  if (!stage.empty() || !codec.empty() || kv.empty()) {
    out += fmt::format("[[stage]]\n{}scheme = {{ default = {} }}\n", stage, toml_text(codec));
  }
  return out;
}

Failure unknown_recipe(std::string_view name) {
  std::vector<std::string_view> names;
  for (const BuiltinRecipe& recipe : builtin_recipes()) {
    names.push_back(recipe.name);
  }
  return fail(
      ErrorCode::kNotFound,
      "no recipe '{}'{}; expected a built-in name (nibble recipes lists them) or a .toml file",
      name,
      did_you_mean(name, names));
}

}  // namespace

bool Recipe::rewrites_blocks() const {
  return std::ranges::any_of(
      transforms, [](const TransformStage& stage) { return stage.transform->looks_at_inputs(); });
}

bool Recipe::looks_at_inputs() const {
  return correction != nullptr || rewrites_blocks() ||
         std::ranges::any_of(stages, [](const SolveStage& stage) { return stage.needs.any(); });
}

const SchemeRule* Scheme::match(std::string_view weight) const {
  const auto found = std::ranges::find_if(
      rules, [&](const SchemeRule& rule) { return glob_match(rule.pattern, weight); });
  return found == rules.end() ? nullptr : &*found;
}

Result<Recipe> parse_recipe(std::string_view toml, std::string_view where) {
  auto document = TomlDocument::parse(toml, where);
  if (!document) {
    return document.failure();
  }
  try {
    return read_recipe(document->root());
  } catch (const Error& error) {
    return error.failure();
  }
}

Result<Recipe> load_recipe(std::string_view name_or_path) {
  for (const BuiltinRecipe& recipe : builtin_recipes()) {
    if (recipe.name == name_or_path) {
      return parse_recipe(recipe.toml, fmt::format("recipe {}", recipe.name));
    }
  }
  const std::filesystem::path path(name_or_path);
  std::error_code ignored;
  if (std::filesystem::is_regular_file(path, ignored) || path.extension() == ".toml") {
    const auto text = read_text_file(path, std::size_t{1} << 20);
    return text ? parse_recipe(*text, path.string()) : Result<Recipe>(text.failure());
  }
  if (name_or_path.find('=') != std::string_view::npos) {
    const auto toml = inline_to_toml(name_or_path);
    return toml ? parse_recipe(*toml, fmt::format("recipe '{}'", name_or_path))
                : Result<Recipe>(toml.failure());
  }
  return unknown_recipe(name_or_path);
}

Result<Recipe> with_importance_file(const Recipe& recipe, std::string_view file) {
  const auto is_gguf = [](const SolveStage& stage) { return stage.method == "gguf"; };
  if (std::ranges::none_of(recipe.stages, is_gguf)) {
    return fail(ErrorCode::kInvalidArgument,
                "recipe {}: no stage of method gguf, which alone weighs by an importance matrix",
                recipe.name);
  }
  const bool needs_text = !recipe.transforms.empty() || recipe.correction != nullptr ||
                          std::ranges::any_of(recipe.stages, [&](const SolveStage& stage) {
                            return !is_gguf(stage) && stage.needs.any();
                          });
  Recipe without = recipe;
  if (!needs_text) {
    without.calibration.reset();
  }
  std::string toml = fmt::format("name = {}\n", toml_text(recipe.name));
  std::string_view rest = without.text = canonical_text(without);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size() - 1);
    const std::string_view line = rest.substr(0, end);
    if (!line.starts_with("importance")) {
      toml += fmt::format("{}\n", line);
    } else if (line.starts_with("importance = ")) {
      toml += fmt::format("importance = {}\n", toml_text(file));
    }
    rest.remove_prefix(end + 1);
  }
  return parse_recipe(toml, fmt::format("recipe {}", recipe.name));
}

std::string toml_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      out += fmt::format("\\u{:04X}", static_cast<unsigned char>(c));
    } else {
      out += c == '"' || c == '\\' ? std::string{'\\', c} : std::string{c};
    }
  }
  return out + "\"";
}

bool glob_match(std::string_view pattern, std::string_view text) noexcept {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star =
      std::string_view::npos;  // the last "*", where matching goes on when what follows it fails
  std::size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

}  // namespace nibble::quant
