#include "quant/plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "model/config.h"
#include "quant/recipe_model.h"

namespace nibble::quant {
namespace {

bool is_matrix(model::WeightRole role) {
  return role == model::WeightRole::kLinear || role == model::WeightRole::kEmbedding ||
         role == model::WeightRole::kHead;
}

/// The codec that one stage gives a weight; nullptr when it keeps it.
std::shared_ptr<const codec::Codec> codec_for(const Scheme& scheme,
                                              const model::ModelConfig& config,
                                              const model::WeightInfo& weight) {
  if (const SchemeRule* rule = scheme.match(weight.name)) {
    return rule->codec;
  }
  if (scheme.mixture != nullptr) {
    return mixture_codec(*scheme.mixture, config, weight);
  }
  return weight.role == model::WeightRole::kLinear ? scheme.default_codec : nullptr;
}

std::size_t encoded_bytes(const codec::Codec& codec, std::size_t rows, std::size_t cols) {
  const double bits = codec.bits_per_weight(rows, cols) * static_cast<double>(rows * cols);
  return static_cast<std::size_t>(std::llround(bits / 8.0));
}

double bits_per_weight(std::size_t bytes, std::size_t n) {
  return n == 0 ? 0.0 : 8.0 * static_cast<double>(bytes) / static_cast<double>(n);
}

PlanRow plan_row(const Recipe& recipe,
                 const model::ModelConfig& config,
                 const model::WeightInfo& weight,
                 const codec::EncodedMatrix& source) {
  PlanRow row;
  row.weight = weight.name;
  row.role = weight.role;
  row.layer = weight.layer;
  row.rows = source.rows;
  row.cols = source.cols;
  row.source_codec = row.target_codec = source.codec->name();
  row.bytes_before = row.bytes_after = source.n_bytes();
  for (const SolveStage& stage : recipe.stages) {
    auto codec = is_matrix(weight.role) ? codec_for(stage.scheme, config, weight) : nullptr;
    if (codec != nullptr) {
      row.stage = &stage;
      row.target_codec = codec->name();
      row.bytes_after = encoded_bytes(*codec, row.rows, row.cols);
      row.codec = std::move(codec);
      break;
    }
  }
  row.bits_per_weight = bits_per_weight(row.bytes_after, row.rows * row.cols);
  return row;
}

void note_unmatched_patterns(Plan& plan) {
  for (const SolveStage& stage : plan.recipe->stages) {
    for (const SchemeRule& rule : stage.scheme.rules) {
      const bool matches = std::ranges::any_of(
          plan.rows, [&](const PlanRow& row) { return glob_match(rule.pattern, row.weight); });
      if (!matches) {
        plan.notes.push_back(
            fmt::format("pattern '{}' matches no weight of this model", rule.pattern));
      }
    }
  }
}

bool is_float(std::string_view codec) {
  return codec == "f32" || codec == "f16" || codec == "bf16";
}

void note_second_quantization(Plan& plan) {
  std::map<std::string, std::size_t> counts;
  for (const PlanRow& row : plan.rows) {
    if (!row.is_kept() && !is_float(row.source_codec)) {
      ++counts[row.source_codec];
    }
  }
  for (const auto& [codec, n] : counts) {
    plan.notes.push_back(fmt::format(
        "{} weights are {} in the source already; they are decoded and quantized a second time",
        n,
        codec));
  }
}

void add_totals(Plan& plan) {
  std::size_t quantized_bytes = 0;
  for (const PlanRow& row : plan.rows) {
    const std::size_t n = row.rows * row.cols;
    plan.n_parameters += n;
    plan.bytes_before += row.bytes_before;
    plan.bytes_after += row.bytes_after;
    if (!row.is_kept()) {
      plan.n_quantized += n;
      quantized_bytes += row.bytes_after;
    }
  }
  plan.bits_per_weight = bits_per_weight(plan.bytes_after, plan.n_parameters);
  plan.quantized_bits_per_weight = bits_per_weight(quantized_bytes, plan.n_quantized);
}

/// "model.layers.3.mlp.up_proj.weight" as "model.layers.*.mlp.up_proj.weight".
std::string without_layer(std::string_view weight) {
  constexpr std::string_view kPrefix = "model.layers.";
  if (!weight.starts_with(kPrefix)) {
    return std::string(weight);
  }
  const std::size_t end = weight.find('.', kPrefix.size());
  return fmt::format("{}*{}", kPrefix, end == std::string_view::npos ? "" : weight.substr(end));
}

double mebibytes(std::size_t bytes) {
  return static_cast<double>(bytes) / 1048576.0;
}

using Cells = std::array<std::string, 8>;

/// One line for rows that differ in nothing but the layer.
std::vector<Cells> table_of(const Plan& plan) {
  struct Line {
    const PlanRow* row;
    std::string name;
    std::size_t count = 0, bytes = 0;
  };
  std::vector<Line> lines;
  for (const PlanRow& row : plan.rows) {
    const std::string name = without_layer(row.weight);
    auto line = std::ranges::find_if(lines, [&](const Line& l) {
      return l.name == name && l.row->source_codec == row.source_codec &&
             l.row->target_codec == row.target_codec && l.row->stage == row.stage &&
             l.row->rows == row.rows && l.row->cols == row.cols;
    });
    if (line == lines.end()) {
      line = lines.insert(lines.end(), Line{&row, name});
    }
    ++line->count;
    line->bytes += row.bytes_after;
  }
  std::vector<Cells> out = {
      {"weight", "n", "rows x cols", "from", "to", "method", "bits/w", "MiB"}};
  for (const Line& line : lines) {
    const PlanRow& row = *line.row;
    out.push_back({line.name,
                   fmt::format("{}", line.count),
                   fmt::format("{} x {}", row.rows, row.cols),
                   row.source_codec,
                   row.is_kept() ? "keep" : row.target_codec,
                   row.is_kept() ? "-" : row.stage->method,
                   fmt::format("{:.3f}", row.bits_per_weight),
                   fmt::format("{:.2f}", mebibytes(line.bytes))});
  }
  return out;
}

std::string align(const std::vector<Cells>& table) {
  std::array<std::size_t, std::tuple_size_v<Cells>> width{};
  for (const Cells& cells : table) {
    for (std::size_t i = 0; i < cells.size(); ++i) {
      width[i] = std::max(width[i], cells[i].size());
    }
  }
  constexpr std::array kRight = {false, true, true, false, false, false, true, true};
  std::string out;
  for (const Cells& cells : table) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      line += kRight[i] ? fmt::format("{:>{}}  ", cells[i], width[i])
                        : fmt::format("{:<{}}  ", cells[i], width[i]);
    }
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return out;
}

/// The backward pass knows the architecture alone.
void refuse_rotated_gradients(const Recipe& recipe, const model::ModelConfig& config) {
  for (const SolveStage& stage : recipe.stages) {
    if (stage.solver->block_solver() != nullptr && config.runtime.rotates()) {
      raise(ErrorCode::kUnsupported,
            "method '{}' tunes blocks by their gradients, which know no rotations that run with "
            "the model (heads, attended, gated)",
            stage.method);
    }
  }
}

/// Second moments of fewer tokens than inputs are singular: damping decides more than the text.
void note_few_tokens(Plan& plan) {
  if (!plan.recipe->calibration) {
    return;
  }
  const std::size_t n_tokens =
      plan.recipe->calibration->n_windows * plan.recipe->calibration->window;
  std::size_t widest = 0;
  for (const PlanRow& row : plan.rows) {
    widest = std::max(widest, !row.is_kept() && row.stage->needs.second_moment ? row.cols : 0);
  }
  if (n_tokens < widest) {
    plan.notes.push_back(
        fmt::format("{} tokens of calibration for up to {} inputs leave second moments singular, "
                    "so damping decides; four tokens an input ({}) are the usual least",
                    n_tokens,
                    widest,
                    4 * widest));
  }
}

/// A correction needs a bias to change.
void require_correctable(const Plan& plan) {
  if (plan.recipe->correction == nullptr) {
    return;
  }
  const bool has_bias = std::ranges::any_of(
      plan.rows, [](const PlanRow& row) { return row.role == model::WeightRole::kBias; });
  if (!has_bias) {
    raise(ErrorCode::kUnsupported,
          "correct = \"{}\" changes the biases of linear layers; this model has none",
          plan.recipe->correction->name);
  }
}

/// Keys that are kept unrotated meet RoPE alone when they are read.
void refuse_rotated_keys(const Recipe& recipe, const model::ModelConfig& config) {
  if (recipe.kv != nullptr && recipe.kv->keys_before_rope && config.runtime.rotates_heads) {
    raise(ErrorCode::kUnsupported,
          "kv = \"{}\" keeps keys as they are before RoPE, so it does not go with rotations of "
          "heads behind it (transform = \"rotate\" with heads = false does)",
          recipe.kv->name);
  }
}

Plan plan_model(const Recipe& recipe, const RecipeModel& model) {
  Plan plan;
  plan.recipe = std::make_shared<const Recipe>(recipe);
  for (const model::WeightInfo& weight : model::list_weights(model.config())) {
    const auto source = model::find_weight(model.checkpoint(), model.config(), weight.name).take();
    if (source.rows != weight.rows || source.cols != weight.cols) {
      raise(ErrorCode::kShapeMismatch,
            "{}: expected [{}, {}] by the configuration, found [{}, {}]",
            weight.name,
            weight.rows,
            weight.cols,
            source.rows,
            source.cols);
    }
    plan.rows.push_back(plan_row(*plan.recipe, model.config(), weight, source));
    const PlanRow& row = plan.rows.back();
    if (!row.is_kept() && row.cols % row.codec->cols_unit() != 0) {
      raise(ErrorCode::kUnsupported,
            "{}: {} inputs, codec {} wants a multiple of {}",
            row.weight,
            row.cols,
            row.target_codec,
            row.codec->cols_unit());
    }
    if (!row.is_kept() && row.stage->needs.any() && row.layer < 0) {
      raise(ErrorCode::kUnsupported,
            "{}: method '{}' looks at the inputs of layers in decoder blocks, this one is not "
            "in a block",
            row.weight,
            row.stage->method);
    }
  }
  refuse_rotated_gradients(*plan.recipe, model.config());
  refuse_rotated_keys(*plan.recipe, model.config());
  require_correctable(plan);
  add_totals(plan);
  note_unmatched_patterns(plan);
  note_second_quantization(plan);
  note_few_tokens(plan);
  if (const std::string text = model::runtime_text(model.config()); !text.empty()) {
    plan.notes.push_back(fmt::format("while the model runs: {}; only nibble does that", text));
  }
  return plan;
}

}  // namespace

Result<Plan> make_plan(const Recipe& recipe, const io::Checkpoint& source) {
  try {
    const RecipeModel model(recipe, source, nullptr);
    return plan_model(recipe, model);
  } catch (const Error& error) {
    return error.failure();
  }
}

std::string plan_text(const Plan& plan) {
  std::string out =
      fmt::format("Recipe {} ({})\n\n", plan.recipe->name, plan.recipe->hash.substr(0, 12));
  out += align(table_of(plan));
  out += fmt::format(
      "\n{:.1f} M parameters, {:.1f} M of them quantized to {:.3f} bits each; {:.3f} bits over "
      "all\n",
      static_cast<double>(plan.n_parameters) / 1e6,
      static_cast<double>(plan.n_quantized) / 1e6,
      plan.quantized_bits_per_weight,
      plan.bits_per_weight);
  out += fmt::format("{:.2f} MiB before, {:.2f} MiB after\n",
                     mebibytes(plan.bytes_before),
                     mebibytes(plan.bytes_after));
  for (const std::string& note : plan.notes) {
    out += fmt::format("note: {}\n", note);
  }
  return out;
}

Json plan_json(const Plan& plan) {
  Json rows = Json::array();
  for (const PlanRow& row : plan.rows) {
    rows.push_back({{"weight", row.weight},
                    {"rows", row.rows},
                    {"cols", row.cols},
                    {"source_codec", row.source_codec},
                    {"target_codec", row.target_codec},
                    {"method", row.is_kept() ? Json(nullptr) : Json(row.stage->method)},
                    {"bits_per_weight", row.bits_per_weight},
                    {"bytes_before", row.bytes_before},
                    {"bytes_after", row.bytes_after}});
  }
  return {{"recipe",
           {{"name", plan.recipe->name}, {"hash", plan.recipe->hash}, {"text", plan.recipe->text}}},
          {"weights", std::move(rows)},
          {"n_parameters", plan.n_parameters},
          {"n_quantized", plan.n_quantized},
          {"bytes_before", plan.bytes_before},
          {"bytes_after", plan.bytes_after},
          {"bits_per_weight", plan.bits_per_weight},
          {"quantized_bits_per_weight", plan.quantized_bits_per_weight},
          {"notes", plan.notes}};
}

}  // namespace nibble::quant
