#include "study/spec.h"

#include <algorithm>
#include <cstdlib>
#include <limits>

#include "base/byte_amount.h"
#include "base/file.h"
#include "base/toml.h"
#include "data/hub/model_name.h"
#include "eval/task.h"
#include "rag/answer/question_set.h"

namespace nibble::study {
namespace {

namespace fs = std::filesystem;

/// Above what any model or data set of today has.
constexpr std::int64_t kMaxCount = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t kMaxTokens = 16'777'216;
constexpr std::int64_t kMaxRepetitions = 10'000;
constexpr std::int64_t kMaxThreads = 1024;
constexpr std::int64_t kMaxBatch = 4096;
constexpr double kMostSeconds = 3600;
constexpr double kMostAmount = 1e9;
constexpr double kHottest = 100;

struct Bounds {
  std::int64_t least;
  std::int64_t most;
};

/// A whole number within the bounds, or `otherwise` where the key is absent.
std::size_t count(TomlTable& table, std::string_view key, std::size_t otherwise, Bounds bounds) {
  const auto value = table.optional<std::int64_t>(key);
  if (!value) {
    return otherwise;
  }
  if (*value < bounds.least || *value > bounds.most) {
    table.reject(key,
                 fmt::format("expected a whole number from {} to {}", bounds.least, bounds.most));
  }
  return static_cast<std::size_t>(*value);
}

fs::path resolve(const fs::path& folder, const std::string& path) {
  return (folder / path).lexically_normal();
}

/// A path, or the name of a model that was pulled.
fs::path model_path(const fs::path& folder, const std::string& model) {
  const fs::path path = resolve(folder, model);
  std::error_code unknown;
  const fs::path found = fs::exists(path, unknown) ? path : data::find_model(model);
  return found == model ? path : found;
}

Arithmetic read_arithmetic(TomlTable& root) {
  const auto name = root.optional<std::string>("arithmetic");
  if (!name) {
    return Arithmetic::kDeterministic;
  }
  const auto mode = arithmetic_from_name(*name);
  if (!mode) {
    root.reject("arithmetic", fmt::format("expected {}", kArithmeticNames));
  }
  return *mode;
}

/// Whole numbers within the bounds, in the order given.
std::vector<std::size_t> counts(TomlTable& table, std::string_view key, Bounds bounds) {
  std::vector<std::size_t> out;
  for (const std::int64_t value :
       table.optional<std::vector<std::int64_t>>(key).value_or(std::vector<std::int64_t>{})) {
    if (value < bounds.least || value > bounds.most) {
      table.reject(key,
                   fmt::format("expected whole numbers from {} to {}", bounds.least, bounds.most));
    }
    if (std::ranges::find(out, static_cast<std::size_t>(value)) != out.end()) {
      table.reject(key, fmt::format("{} is listed twice", value));
    }
    out.push_back(static_cast<std::size_t>(value));
  }
  return out;
}

std::optional<double> amount(TomlTable& table, std::string_view key, double most) {
  const auto value = table.optional<double>(key);
  if (value && !(*value >= 0 && *value <= most)) {
    table.reject(key, fmt::format("expected a number from 0 to {}", most));
  }
  return value;
}

std::optional<double> above_zero(TomlTable& table, std::string_view key) {
  const auto value = amount(table, key, kMostAmount);
  if (value && *value == 0) {
    table.reject(key, "expected a number above 0");
  }
  return value;
}

std::optional<profile::Options> read_measure(TomlTable& root,
                                             const fs::path& folder,
                                             DeviceSpec& device) {
  auto table = root.table("measure");
  if (!table) {
    return std::nullopt;
  }
  profile::Options options;
  options.prompts = counts(*table, "prompts", {1, kMaxTokens});
  options.depths = counts(*table, "depths", {0, kMaxTokens});
  options.batches = counts(*table, "batches", {1, kMaxBatch});
  options.batch_new_tokens =
      count(*table, "batch_new_tokens", options.batch_new_tokens, {1, kMaxTokens});
  options.batch_repetitions =
      count(*table, "batch_repetitions", options.batch_repetitions, {1, kMaxRepetitions});
  options.energy_seconds =
      amount(*table, "energy_seconds", kMostSeconds).value_or(options.energy_seconds);
  options.idle_seconds =
      amount(*table, "idle_seconds", kMostSeconds).value_or(options.idle_seconds);
  options.limits = table->optional<bool>("limits").value_or(options.limits);
  device.power_w = above_zero(*table, "power_w");
  device.hardware = table->optional<std::string>("hardware").value_or("");
  if (const auto path = table->optional<std::string>("hardware_table")) {
    device.hardware_table = resolve(folder, *path);
  }
  options.prompt_tokens = count(*table, "prompt_tokens", options.prompt_tokens, {1, kMaxTokens});
  options.new_tokens = count(*table, "new_tokens", options.new_tokens, {1, kMaxTokens});
  options.repetitions = count(*table, "repetitions", options.repetitions, {1, kMaxRepetitions});
  options.warmups = count(*table, "warmups", options.warmups, {0, kMaxRepetitions});
  table->finish();
  return options;
}

void read_cost(TomlTable& root, DeviceSpec& device) {
  if (auto table = root.table("cost")) {
    device.per_hour = amount(*table, "per_hour", kMostAmount);
    device.per_kwh = amount(*table, "per_kwh", kMostAmount);
    device.currency = table->optional<std::string>("currency").value_or(device.currency);
    table->finish();
  }
}

eval::CodeSampling read_code_sampling(TomlTable& table) {
  eval::CodeSampling out;
  out.n_samples = count(table, "samples", out.n_samples, {1, kMaxRepetitions});
  out.ks = counts(table, "pass_k", {1, kMaxRepetitions});
  out.temperature = amount(table, "temperature", kHottest);
  out.top_p = amount(table, "top_p", 1);
  out.seed = count(table, "seed", 0, {0, kMaxCount});
  return out;
}

/// Throws with the place of `key`, where `found` is a failure.
template <class T>
void check_known(const TomlTable& table, std::string_view key, const Result<T>& found) {
  if (!found) {
    table.reject(key, found.failure().message);
  }
}

/// "my/quiz.toml", "my/quiz.toml_5shot"; "choice:FILE" lies in the data folder.
bool is_task_file(std::string_view name) {
  constexpr std::string_view kEnd = ".toml";
  const std::size_t end = name.rfind(kEnd);
  return end != std::string_view::npos && name.find(':') == std::string_view::npos &&
         (end + kEnd.size() == name.size() || name[end + kEnd.size()] == '_');
}

std::vector<TaskSpec> read_tasks(TomlTable& root, const fs::path& folder) {
  std::vector<TaskSpec> tasks;
  for (TomlTable& table : root.tables("task")) {
    TaskSpec task;
    task.name = table.required<std::string>("name");
    if (is_task_file(task.name)) {
      task.name = resolve(folder, task.name).string();
    }
    task.limit = count(table, "limit", 0, {1, kMaxCount});
    task.context = count(table, "context", TaskSpec{}.context, {2, kMaxTokens});
    if (std::ranges::find(tasks, task.name, &TaskSpec::name) != tasks.end()) {
      table.reject("name", fmt::format("'{}' is listed twice", task.name));
    }
    task.max_answer = count(table, "max_answer", 0, {1, kMaxTokens});
    task.applies_template = table.optional<bool>("apply_chat_template").value_or(false);
    task.is_multiturn = table.optional<bool>("fewshot_as_multiturn").value_or(true);
    task.system = table.optional<std::string>("system").value_or("");
    if (task.name == eval::kHumanEval) {
      task.code = read_code_sampling(table);
    } else {
      check_known(table, "name", eval::check_task_name(task.name));
    }
    table.finish();
    tasks.push_back(std::move(task));
  }
  return tasks;
}

/// Ascending whole numbers, each at most `most`.
std::vector<std::size_t> sizes(TomlTable& table, std::string_view key, Bounds bounds) {
  std::vector<std::size_t> out;
  for (const std::int64_t value :
       table.optional<std::vector<std::int64_t>>(key).value_or(std::vector<std::int64_t>{})) {
    const bool ascends = out.empty() || value > static_cast<std::int64_t>(out.back());
    if (value < bounds.least || value > bounds.most || !ascends) {
      table.reject(
          key,
          fmt::format("expected ascending whole numbers from {} to {}", bounds.least, bounds.most));
    }
    out.push_back(static_cast<std::size_t>(value));
  }
  return out;
}

rag::ContextMode read_context_mode(TomlTable& table) {
  const auto name = table.optional<std::string>("context");
  const auto mode = name ? rag::context_mode_from_name(*name) : rag::ContextMode::kGold;
  if (!mode) {
    table.reject("context", mode.failure().message);
  }
  return *mode;
}

RagSpec read_rag_table(TomlTable& table,
                       const fs::path& folder,
                       const std::vector<RetrieverSpec>& retrievers) {
  RagSpec out;
  out.set = table.required<std::string>("set");
  check_known(table, "set", rag::check_question_set_name(out.set));
  if (rag::is_question_file(out.set)) {
    out.set = resolve(folder, out.set).string();
  }
  const auto flag = [&table](std::string_view key, bool otherwise) {
    return table.optional<bool>(key).value_or(otherwise);
  };
  if (const auto data = table.optional<std::string>("data")) {
    out.data = resolve(folder, *data);
  }
  out.is_optional = flag("optional", false);
  out.limit = count(table, "limit", 0, {1, kMaxCount});
  out.mode = read_context_mode(table);
  out.n_documents = count(table, "documents", 0, {1, kMaxRepetitions});
  out.lengths = sizes(table, "lengths", {1, kMaxTokens});
  out.positions = sizes(table, "positions", {0, kMaxRepetitions});
  out.retrievers = read_retriever_names(table, retrievers);
  out.measures_attention = flag("attention", false);
  out.is_shuffled = flag("shuffle", true);
  out.shows_example = flag("example", true);
  out.asks_citations = flag("cite", false);
  out.allows_abstention = flag("abstain", false);
  out.is_chat = flag("chat", false);
  out.system = table.optional<std::string>("system").value_or("");
  out.max_answer = count(table, "max_answer", 0, {1, kMaxTokens});
  if (!out.positions.empty() && out.mode != rag::ContextMode::kGold) {
    table.reject("positions", "expected context = \"gold\" beside positions of the gold document");
  }
  if (!out.retrievers.empty() && out.mode != rag::ContextMode::kRetrieved) {
    table.reject("retriever", "expected context = \"retrieved\" beside it");
  }
  if (!out.retrievers.empty() && out.n_documents == 0) {
    table.reject("retriever", "expected documents = N beside it: how many are searched for");
  }
  if (out.measures_attention && out.mode == rag::ContextMode::kClosed) {
    table.reject("attention", "expected a context with documents to look at");
  }
  table.finish();
  return out;
}

std::vector<RagSpec> read_rag(TomlTable& root,
                              const fs::path& folder,
                              const std::vector<RetrieverSpec>& retrievers) {
  std::vector<RagSpec> out;
  for (TomlTable& table : root.tables("rag")) {
    out.push_back(read_rag_table(table, folder, retrievers));
  }
  for (const RetrieverSpec& retriever : retrievers) {
    if (std::ranges::none_of(out, [&retriever](const RagSpec& rag) {
          return std::ranges::find(rag.retrievers, retriever.name) != rag.retrievers.end();
        })) {
      root.reject("retriever",
                  fmt::format("'{}' searches for no [[rag]] table; expected it in the list "
                              "\"retriever\" of one",
                              retriever.name));
    }
  }
  return out;
}

const codec::KvScheme* read_kv(TomlTable& table) {
  const auto name = table.optional<std::string>("kv");
  if (!name) {
    return nullptr;
  }
  const auto scheme = codec::kv_scheme_from_name(*name);
  if (!scheme) {
    table.reject("kv", scheme.failure().message);
  }
  return *scheme;
}

/// "reference", "kivi-4", "gptq-4bit-g128", "gptq-4bit-g128 + kivi-4"
std::string usual_name(const VariantSpec& variant) {
  const bool is_none = variant.recipe == kNoRecipe;
  const std::string recipe =
      variant.recipe.ends_with(".toml") ? fs::path(variant.recipe).stem().string() : variant.recipe;
  if (variant.kv == nullptr) {
    return is_none ? "reference" : recipe;
  }
  return is_none ? std::string(variant.kv->name) : fmt::format("{} + {}", recipe, variant.kv->name);
}

std::vector<VariantSpec> read_variants(TomlTable& root, const fs::path& folder) {
  std::vector<VariantSpec> variants;
  for (TomlTable& table : root.tables("variant")) {
    const auto recipe = table.required<std::string>("recipe");
    const bool is_file = recipe.ends_with(".toml");
    VariantSpec variant{"", is_file ? resolve(folder, recipe).string() : recipe, read_kv(table)};
    variant.name = table.optional<std::string>("name").value_or(usual_name(variant));
    if (variants.empty() != (recipe == kNoRecipe && variant.kv == nullptr)) {
      table.reject("recipe",
                   "the first variant, and no other, is the reference with recipe = \"none\"");
    }
    if (std::ranges::find(variants, variant.name, &VariantSpec::name) != variants.end()) {
      table.reject("name", fmt::format("there are two variants of the name '{}'", variant.name));
    }
    if (std::ranges::any_of(variants, [&variant](const VariantSpec& other) {
          return other.recipe == variant.recipe && other.kv == variant.kv;
        })) {
      table.reject("recipe", fmt::format("there are two variants of the recipe '{}'", recipe));
    }
    if (recipe != kNoRecipe) {
      check_known(table, "recipe", quant::load_recipe(variant.recipe));
    }
    table.finish();
    variants.push_back(std::move(variant));
  }
  return variants;
}

/// Of a model on a device; 0: nothing is said.
std::size_t read_device_memory(TomlTable& root, std::string_view device) {
  constexpr double kMost = 1e15;
  const auto text = root.optional<std::string>("device_memory");
  if (!text) {
    return 0;
  }
  if (device == kHost) {
    root.reject("device_memory", "expected only beside a GPU as device");
  }
  const auto n_bytes = parse_byte_amount(*text);
  if (!n_bytes || *n_bytes < 1 || *n_bytes >= kMost) {
    root.reject("device_memory", "expected an amount with its unit, like \"6GB\"");
  }
  return static_cast<std::size_t>(*n_bytes);
}

}  // namespace

Spec parse_spec(std::string_view text, std::string_view where, const fs::path& folder) {
  const TomlDocument document = TomlDocument::parse(text, where).take();
  TomlTable root = document.root();
  Spec spec;
  spec.name = root.required<std::string>("name");
  const auto model = root.required<std::string>("model");
  spec.model = model == "demo" ? demo_model_path() : model_path(folder, model);
  spec.data = resolve(folder, root.optional<std::string>("data").value_or("."));
  spec.output = resolve(folder, root.optional<std::string>("output").value_or("out"));
  spec.arithmetic = read_arithmetic(root);
  spec.threads = count(root, "threads", 0, {0, kMaxThreads});
  spec.notes =
      root.optional<std::vector<std::string>>("notes").value_or(std::vector<std::string>{});
  spec.device = root.optional<std::string>("device").value_or(spec.device);
  spec.device_memory = read_device_memory(root, spec.device);
  spec.measure = read_measure(root, folder, spec.device_spec);
  read_cost(root, spec.device_spec);
  spec.tasks = read_tasks(root, folder);
  spec.retrievers = read_retrievers(root, folder, demo_model_path().parent_path());
  spec.rag = read_rag(root, folder, spec.retrievers);
  spec.variants = read_variants(root, folder);
  root.finish();
  if (spec.variants.empty()) {
    root.reject("variant", "expected [[variant]] tables, the reference (recipe = \"none\") first");
  }
  if (spec.tasks.empty() && spec.rag.empty() && !spec.measure) {
    root.reject("task", "expected at least one [[task]], a [[rag]] or a [measure] table");
  }
  return spec;
}

Spec read_spec(const fs::path& path) {
  const std::string text = read_text_file(path, std::size_t{1} << 20).take();
  return parse_spec(text, path.string(), path.parent_path());
}

fs::path demo_model_path() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return fs::path(value != nullptr ? value : "");
  };
  fs::path cache = variable("XDG_CACHE_HOME");
  if (cache.empty()) {
    cache = variable("HOME") / ".cache";
  }
  return cache / "nibble" / "models" / "SmolLM2-135M-Instruct.Q4_1.gguf";
}

}  // namespace nibble::study
