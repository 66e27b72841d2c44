#include "study/plan.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "base/error.h"
#include "base/hash.h"
#include "eval/stats/interval.h"
#include "study/plan_index.h"
#include "study/sample_record.h"

namespace nibble::study {
namespace {

std::string hash_of(std::initializer_list<std::string_view> fields) {
  Sha256 hash;
  for (const std::string_view field : fields) {
    hash.field(field);
  }
  return hash.hex();
}

/// What computes. Numbers of two revisions never share a unit.
std::string program_text(const PlanInputs& inputs) {
  return fmt::format(
      "nibble {}, numbers of revision {}", inputs.program_version, inputs.numerics_revision);
}

std::size_t n_threads(const Spec& spec, const PlanInputs& inputs) {
  return spec.threads != 0 ? spec.threads : inputs.host.n_processors;
}

PlannedVariant plan_variant(const VariantSpec& spec, const PlanInputs& inputs) {
  PlannedVariant variant;
  if (spec.recipe != kNoRecipe) {
    variant.recipe = quant::load_recipe(spec.recipe).take();
  }
  const quant::Recipe none;
  const quant::Recipe& recipe = variant.recipe ? *variant.recipe : none;
  const std::string calibration =
      recipe.calibration && inputs.calibration_hash ? inputs.calibration_hash(recipe) : "";
  variant.kv = spec.kv;
  std::string id = hash_of(
      {"variant", inputs.source.weights_hash, recipe.hash, calibration, program_text(inputs)});
  std::string text = recipe.text;
  if (spec.kv != nullptr) {
    id = hash_of({"keys and values", id, spec.kv->name});
    text = fmt::format("# keys and values: {}\n{}", spec.kv->name, text);
  }
  variant.record = {id,
                    spec.name,
                    spec.recipe == kNoRecipe || recipe.name.empty() ? spec.recipe : recipe.name,
                    text,
                    recipe.hash,
                    {}};
  return variant;
}

std::string device_memory_text(const Spec& spec) {
  return fmt::format("{:.2f} GB", static_cast<double>(spec.device_memory) / 1e9);
}

/// What is asked for besides one request at a time.
std::string more_settings(const profile::Options& options, const Spec& spec) {
  std::string out;
  if (spec.device != kHost) {
    out += fmt::format(", on {}", spec.device);
  }
  if (spec.device_memory != 0) {
    out += fmt::format(", {} of its memory", device_memory_text(spec));
  }
  if (!options.prompts.empty()) {
    out += fmt::format(", prompts of {}", fmt::join(options.prompts, ", "));
  }
  if (!options.depths.empty()) {
    out += fmt::format(", decoding behind {}", fmt::join(options.depths, ", "));
  }
  if (!options.batches.empty()) {
    out += fmt::format(", batches of {} with {} new tokens, {} times",
                       fmt::join(options.batches, ", "),
                       options.batch_new_tokens,
                       options.batch_repetitions);
  }
  return out + fmt::format(", energy over {} s after {} s of rest{}",
                           options.energy_seconds,
                           options.idle_seconds,
                           options.limits ? ", limits" : "");
}

std::string unit_id(const PlannedVariant& variant,
                    const PlannedTask& task,
                    const Spec& spec,
                    const PlanInputs& inputs) {
  const std::string id = hash_of({"unit",
                                  variant.record.id,
                                  task.record.id,
                                  inputs.source.tokenizer_hash,
                                  arithmetic_name(spec.arithmetic)});
  return spec.device == kHost ? id : hash_of({id, spec.device});
}

store::UnitRecord measure_unit(const PlannedVariant& variant,
                               const Spec& spec,
                               const PlanInputs& inputs) {
  const profile::Options& options = *spec.measure;
  std::string settings =
      fmt::format("{} prompt tokens, {} new tokens, {} repetitions after {} warm-ups, {} threads{}",
                  options.prompt_tokens,
                  options.new_tokens,
                  options.repetitions,
                  options.warmups,
                  n_threads(spec, inputs),
                  more_settings(options, spec));
  return {hash_of({"measure",
                   variant.record.id,
                   arithmetic_name(spec.arithmetic),
                   settings,
                   inputs.kernels,
                   inputs.host.processor}),
          variant.record.id,
          "",
          std::move(settings)};
}

std::string memory_text(const profile::Host& host) {
  return host.total_memory ? fmt::format("{:.1f} GB", static_cast<double>(*host.total_memory) / 1e9)
                           : "unknown";
}

std::string statistics_text(const eval::stats::ResampleOptions& options) {
  return fmt::format(
      "{:.0f} % intervals and p-values from {} resamples of samples, seed {}; Holm's correction",
      options.confidence * 100,
      options.n_replicates,
      options.seed);
}

/// A condition with a number, where there is one.
void add_number(std::vector<store::Condition>& out,
                std::string_view key,
                const std::optional<double>& value) {
  if (value) {
    out.push_back({std::string(key), fmt::format("{}", *value), false});
  }
}

/// What utilisation, estimates and prices are computed with.
std::vector<store::Condition> device_conditions(const Spec& spec, const PlanInputs& inputs) {
  std::vector<store::Condition> out;
  const DeviceSpec& device = spec.device_spec;
  if (!inputs.sensors.empty()) {
    out.push_back({"energy sensors", inputs.sensors, false});
  }
  if (const auto& row = inputs.hardware) {
    out.push_back({"hardware", fmt::format("{} ({})", row->name, row->source), false});
    add_number(out, "nominal fp16 TFLOP/s", row->fp16_tflops);
    add_number(out, "nominal fp32 TFLOP/s", row->fp32_tflops);
    add_number(out, "nominal int8 TOP/s", row->int8_tops);
    add_number(out, "nominal bandwidth GB/s", row->bandwidth_gb_s);
  }
  add_number(out,
             "rated power W",
             device.power_w || !inputs.hardware ? device.power_w : inputs.hardware->power_w);
  add_number(out, "price per hour", device.per_hour);
  add_number(out, "price per kWh", device.per_kwh);
  if (device.per_hour || device.per_kwh) {
    out.push_back({"currency", device.currency, false});
  }
  return out;
}

std::vector<store::Condition> run_conditions(const Spec& spec, const PlanInputs& inputs) {
  return {
      {"study", spec.name, true},
      {std::string(kSourceWeights), fmt::format("{}{}", kSha256, inputs.source.weights_hash), true},
      {"tokenizer", fmt::format("{}{}", kSha256, inputs.source.tokenizer_hash), true},
      {"arithmetic", std::string(arithmetic_name(spec.arithmetic)), true},
      {"program", program_text(inputs), true},
      {"processor", inputs.host.processor, true},
      {"kernels", inputs.kernels, true},
      {"model", inputs.source.model_name, false},
      {"threads",
       fmt::format("{} of {}", n_threads(spec, inputs), inputs.host.n_processors),
       false},
      {"memory", memory_text(inputs.host), false},
      {"system", inputs.host.system, false},
      {"statistics", statistics_text({}), false}};
}

std::vector<store::Condition> conditions_of(const Spec& spec, const PlanInputs& inputs) {
  std::vector<store::Condition> out = run_conditions(spec, inputs);
  if (spec.device != kHost) {
    out.push_back({"device", spec.device, true});
  }
  if (spec.device_memory != 0) {  // bounds the speed, and changes no number
    out.push_back({"device memory", device_memory_text(spec), false});
  }
  std::ranges::move(device_conditions(spec, inputs), std::back_inserter(out));
  return out;
}

/// How a search goes, with the encoder that it is by.
std::string search_text(const StudySearch& search) {
  return search.settings.text() +
         (search.encoder_hash.empty() ? "" : fmt::format("; encoder {}", search.encoder_hash));
}

PlannedVariant plan_search(const StudySearch& search, const PlanInputs& inputs) {
  const std::string text = search_text(search);
  PlannedVariant out;
  out.record = {
      hash_of({"retriever", search.set->name, search.set->data_hash, text, program_text(inputs)}),
      search.name,
      std::string(store::kRetrieverRecipe),
      text,
      hash_of({text}),
      {}};
  return out;
}

/// Retrievers of one set share their searches.
std::string add_search_task(StudyPlan& plan, const std::shared_ptr<const eval::Task>& task) {
  store::TaskRecord record = task_record(*task);
  std::string id = record.id;
  if (std::ranges::none_of(plan.tasks,
                           [&id](const PlannedTask& row) { return row.record.id == id; })) {
    plan.tasks.push_back({std::move(record), task});
  }
  return id;
}

void add_search(StudyPlan& plan,
                const std::shared_ptr<const StudySearch>& search,
                const Spec& spec,
                const PlanInputs& inputs) {
  PlannedVariant variant = plan_search(*search, inputs);
  variant.search = search;
  const std::string& id = variant.record.id;
  const std::string settings =
      fmt::format("searches one by one, {} threads", n_threads(spec, inputs));
  plan.units.push_back(
      {hash_of({"search speed", id, settings, inputs.kernels, inputs.host.processor}),
       id,
       "",
       settings});
  for (const SearchedQuestions& asked : search->searches) {
    const std::string task = add_search_task(plan, asked.task);
    const std::string unit = hash_of({"search", id, task});
    if (std::ranges::find(plan.units, unit, &store::UnitRecord::id) == plan.units.end()) {
      plan.units.push_back({unit, id, task, ""});  // tables that ask the same questions share it
    }
    for (PlannedTask& reader : plan.tasks) {
      if (std::ranges::find(asked.readers, reader.record.name) != asked.readers.end()) {
        reader.reads = unit;
      }
    }
  }
  plan.conditions.push_back({"retriever " + search->name, variant.record.recipe_text, false});
  plan.variants.push_back(std::move(variant));
}

void check_recipes_differ(const std::vector<PlannedVariant>& variants) {
  std::map<std::string_view, std::string_view> names;  // by id
  for (const PlannedVariant& variant : variants) {
    const auto [same, is_new] = names.emplace(variant.record.id, variant.record.name);
    if (!is_new) {
      raise(ErrorCode::kInvalidArgument,
            "variants '{}' and '{}': their recipes do the same",
            same->second,
            variant.record.name);
    }
  }
}

/// Letters of the longest, so that the plan's lines have columns.
std::size_t column_width(const StudyPlan& plan, std::string store::VariantRecord::*text) {
  std::size_t width = 14;
  for (const auto& variant : plan.variants) {
    width = std::max(width, (variant.record.*text).size());
  }
  return width;
}

}  // namespace

bool StudyPlan::takes(const store::UnitRecord& unit) const {
  return !share || share->contains(unit.id);
}

store::Plan StudyPlan::record() const {
  store::Plan plan;
  for (const PlannedVariant& variant : variants) {
    plan.variants.push_back(variant.record);
  }
  for (const PlannedTask& task : tasks) {
    plan.tasks.push_back(task.record);
  }
  plan.units = units;
  return plan;
}

StudyPlan make_plan(const Spec& spec, const PlanInputs& inputs) {
  StudyPlan plan;
  for (const auto& task : inputs.tasks) {
    plan.tasks.push_back({task_record(*task), task});
  }
  for (const VariantSpec& variant : spec.variants) {
    plan.variants.push_back(plan_variant(variant, inputs));
  }
  for (const PlannedVariant& variant : plan.variants) {
    if (spec.measure) {
      plan.units.push_back(measure_unit(variant, spec, inputs));
    }
    for (const PlannedTask& task : plan.tasks) {
      plan.units.push_back(
          {unit_id(variant, task, spec, inputs), variant.record.id, task.record.id, ""});
    }
  }
  plan.conditions = conditions_of(spec, inputs);
  for (const auto& search : inputs.searches) {
    add_search(plan, search, spec, inputs);
  }
  check_recipes_differ(plan.variants);
  return plan;
}

std::vector<std::string> plan_lines(const StudyPlan& plan, const store::Store& store) {
  const PlanIndex index(plan);
  const auto stored = store.sample_counts();
  const auto measured = store.measured_units();
  const std::size_t name_width = column_width(plan, &store::VariantRecord::name);
  const std::size_t recipe_width = column_width(plan, &store::VariantRecord::recipe_name);
  std::vector<std::string> lines;
  for (std::size_t variant = 0; variant < plan.variants.size(); ++variant) {
    std::size_t n_stored = 0, n_samples = 0;
    std::string_view speed = "";
    for (const std::size_t unit : index.units_of(variant)) {
      const std::string& id = plan.units[unit].id;
      const auto task = index.task_of(unit);
      if (!task) {
        speed = measured.contains(id) ? ", speed measured" : ", speed to measure";
        continue;
      }
      n_samples += plan.tasks[*task].record.n_samples;
      if (const auto found = stored.find(id); found != stored.end()) {
        n_stored += found->second;
      }
    }
    const store::VariantRecord& record = plan.variants[variant].record;
    lines.push_back(fmt::format("{:<{}} {:<{}} {} of {} samples stored{}",
                                record.name,
                                name_width,
                                record.recipe_name,
                                recipe_width,
                                n_stored,
                                n_samples,
                                speed));
  }
  return lines;
}

}  // namespace nibble::study
