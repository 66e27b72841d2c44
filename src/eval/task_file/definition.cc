#include "eval/task_file/definition.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/file.h"
#include "base/hash.h"
#include "base/suggest.h"
#include "base/toml.h"

namespace nibble::eval {
namespace {

constexpr std::size_t kMaxTaskBytes = std::size_t{1} << 20;

constexpr std::array<std::pair<std::string_view, TaskKind>, 4> kKinds = {
    {{"choice", TaskKind::kChoice},
     {"continuation", TaskKind::kContinuation},
     {"generation", TaskKind::kGeneration},
     {"perplexity", TaskKind::kPerplexity}}};

std::size_t count_of(TomlTable& table, std::string_view key, std::size_t otherwise) {
  const auto given = table.optional<std::int64_t>(key);
  if (given && (*given < 0 || *given > 1'000'000)) {
    table.reject(key, "wanted a whole number from 0 to 1000000");
  }
  return given ? static_cast<std::size_t>(*given) : otherwise;
}

class Reader {
 public:
  Reader(std::string_view toml, std::string_view where)
      : document_(TomlDocument::parse(toml, where).take()), root_(document_.root()) {}

  TaskDefinition run() {
    TaskDefinition out;
    out.name = root_.required<std::string>("name");
    out.version = static_cast<int>(root_.required<std::int64_t>("version"));
    out.group_version =
        static_cast<int>(root_.optional<std::int64_t>("group_version").value_or(out.version));
    out.kind = kind();
    out.summary = root_.required<std::string>("summary");
    out.reference = root_.optional<std::string>("reference").value_or("");
    out.metrics = root_.required<std::vector<std::string>>("metrics");
    read_data(out);
    read_prompt(out.prompt);
    read_shots(out.shots);
    read_generation(out);
    read_exact_match(out.exact_match);
    read_filters(out.filters);
    read_subjects(out.groups);
    check(out);
    root_.finish();
    return out;
  }

 private:
  TaskKind kind() {
    const auto name = root_.required<std::string>("kind");
    const auto* found =
        std::ranges::find(kKinds, name, &std::pair<std::string_view, TaskKind>::first);
    if (found == kKinds.end()) {
      root_.reject("kind", "wanted choice, continuation, generation or perplexity");
    }
    return found->second;
  }

  static std::optional<Template> optional_template(TomlTable& table, const std::string& key) {
    const auto source = table.optional<std::string>(key);
    if (!source) {
      return std::nullopt;
    }
    auto parsed = Template::parse(*source, key);
    if (!parsed) {
      table.reject(key, parsed.failure().message);
    }
    return std::move(*parsed);
  }

  void read_data(TaskDefinition& out) {
    auto table = root_.table("data");
    if (!table) {
      root_.reject("data", "wanted a table [data]");
    }
    out.data_id = table->optional<std::string>("id").value_or(out.name);
    out.data.folder = table->optional<std::string>("folder").value_or("");
    out.data.files = table->required<std::vector<std::string>>("files");
    out.data.csv_columns = table->optional<std::vector<std::string>>("csv_columns")
                               .value_or(std::vector<std::string>());
    out.data.row_id = optional_template(*table, "row_id");
    if (auto columns = table->table("columns")) {
      for (const std::string& name : columns->keys()) {
        out.data.columns.emplace_back(name, *optional_template(*columns, name));
      }
      columns->finish();
    }
    if (auto beside = table->table("beside")) {
      for (const std::string& name : beside->keys()) {
        out.data.beside.emplace_back(name, beside->required<std::string>(name));
      }
      beside->finish();
    }
    table->finish();
  }

  void read_prompt(PromptTemplates& out) {
    auto table = root_.table("prompt");
    if (!table) {
      root_.reject("prompt", "wanted a table [prompt]");
    }
    out.description = optional_template(*table, "description");
    out.text = optional_template(*table, "text");
    out.choices = optional_template(*table, "choices");
    out.contexts = optional_template(*table, "contexts");
    out.continuation = optional_template(*table, "continuation");
    out.target = optional_template(*table, "target");
    out.right = optional_template(*table, "right");
    out.counted = optional_template(*table, "counted");
    out.target_delimiter =
        table->optional<std::string>("target_delimiter").value_or(out.target_delimiter);
    out.shot_delimiter =
        table->optional<std::string>("shot_delimiter").value_or(out.shot_delimiter);
    table->finish();
  }

  void read_shots(ShotRule& out) {
    auto table = root_.table("shots");
    if (!table) {
      return;
    }
    out.n_shots = count_of(*table, "default", 0);
    out.is_locked = table->optional<bool>("locked").value_or(false);
    out.leaves_itself_out = table->optional<bool>("leaves_itself_out").value_or(false);
    out.files =
        table->optional<std::vector<std::string>>("files").value_or(std::vector<std::string>());
    const std::string sampler = table->optional<std::string>("sampler").value_or("random");
    if (sampler != "random" && sampler != "first") {
      table->reject("sampler", "wanted random or first");
    }
    out.sampler = sampler == "first" ? Sampler::kFirst : Sampler::kRandom;
    out.text = optional_template(*table, "text");
    out.target = optional_template(*table, "target");
    for (TomlTable row : table->tables("row")) {
      std::vector<text::jinja::Entry> entries;
      for (const std::string& name : row.keys()) {
        entries.emplace_back(name, row.required<std::string>(name));
      }
      out.rows.emplace_back(std::move(entries));
      row.finish();
    }
    table->finish();
  }

  void read_generation(TaskDefinition& out) {
    out.generation.stop = {out.prompt.shot_delimiter};
    if (auto table = root_.table("generation")) {
      out.generation.stop =
          table->optional<std::vector<std::string>>("stop").value_or(out.generation.stop);
      out.generation.max_tokens = count_of(*table, "max_tokens", out.generation.max_tokens);
      out.generation.also_scored = table->optional<std::string>("also_scored").value_or("");
      table->finish();
    }
  }

  void read_exact_match(ExactMatchRule& out) {
    if (auto table = root_.table("exact_match")) {
      out.ignores_case = table->optional<bool>("ignore_case").value_or(false);
      out.ignores_punctuation = table->optional<bool>("ignore_punctuation").value_or(false);
      for (const std::string& pattern :
           table->optional<std::vector<std::string>>("ignore").value_or(
               std::vector<std::string>())) {
        auto compiled = text::PythonRegex::compile(pattern);
        if (!compiled) {
          table->reject("ignore", compiled.failure().message);
        }
        out.ignored.push_back(std::move(*compiled));
      }
      table->finish();
    }
  }

  void read_filters(std::vector<NamedFilter>& out) {
    for (TomlTable table : root_.tables("filter")) {
      NamedFilter filter;
      filter.name = table.required<std::string>("name");
      filter.strips = table.optional<bool>("strip").value_or(false);
      const auto pattern = table.optional<std::string>("pattern");
      const std::int64_t position = table.optional<std::int64_t>("position").value_or(0);
      if (pattern) {
        try {
          filter.patterns.emplace_back(*pattern, position);
        } catch (const Error& error) {
          table.reject("pattern", error.what());
        }
      }
      table.finish();
      out.push_back(std::move(filter));
    }
  }

  void read_subjects(std::vector<SubjectGroup>& out) {
    if (auto table = root_.table("subjects")) {
      for (const std::string& name : table->keys()) {
        out.push_back({name, table->required<std::vector<std::string>>(name)});
      }
      table->finish();
    }
  }

  /// What a kind cannot do without.
  void check(const TaskDefinition& task) const {
    const auto want = [&](bool holds, std::string_view what) {
      if (!holds) {
        root_.reject("prompt", what);
      }
    };
    const PromptTemplates& prompt = task.prompt;
    if (task.kind == TaskKind::kChoice) {
      want(prompt.contexts.has_value() != (prompt.text && prompt.choices),
           "a choice wants 'text' and 'choices', or 'contexts' and 'continuation'");
      want(!prompt.contexts || prompt.continuation, "'contexts' wants a 'continuation'");
      want(prompt.target.has_value() != prompt.right.has_value(),
           "a choice wants either 'target' or 'right'");
    } else {
      want(prompt.text.has_value(), "wanted a 'text'");
      want(prompt.target.has_value() || task.kind == TaskKind::kPerplexity, "wanted a 'target'");
      want(!prompt.choices && !prompt.contexts && !prompt.right,
           "'choices', 'contexts' and 'right' are for the kind 'choice'");
    }
    check_metrics(task);
  }

  void check_metrics(const TaskDefinition& task) const {
    static constexpr std::string_view kChoiceMetrics[] = {"acc", "acc_norm", "acc_bytes"};
    static constexpr std::string_view kContinuationMetrics[] = {"perplexity", "acc"};
    static constexpr std::string_view kGenerationMetrics[] = {
        "exact_match", "f1", "contains", "drop", "coqa", "squadv2"};
    static constexpr std::string_view kPerplexityMetrics[] = {
        "word_perplexity", "byte_perplexity", "bits_per_byte", "perplexity"};
    const std::span<const std::string_view> known =
        task.kind == TaskKind::kChoice         ? std::span(kChoiceMetrics)
        : task.kind == TaskKind::kContinuation ? std::span(kContinuationMetrics)
        : task.kind == TaskKind::kGeneration
            ? std::span<const std::string_view>(kGenerationMetrics)
            : std::span<const std::string_view>(kPerplexityMetrics);
    if (task.metrics.empty()) {
      root_.reject("metrics", fmt::format("wanted one at least of {}", fmt::join(known, ", ")));
    }
    for (const std::string& metric : task.metrics) {
      if (std::ranges::find(known, metric) == known.end()) {
        root_.reject("metrics",
                     fmt::format("no metric '{}'{}; there are {}",
                                 metric,
                                 did_you_mean(metric, known),
                                 fmt::join(known, ", ")));
      }
    }
  }

  TomlDocument document_;
  TomlTable root_;
};

}  // namespace

std::string_view kind_name(TaskKind kind) {
  return std::ranges::find(kKinds, kind, [](const auto& row) { return row.second; })->first;
}

TaskDefinition parse_task(std::string_view toml, std::string_view where) {
  TaskDefinition out = Reader(toml, where).run();
  out.hash = sha256_hex(toml);
  return out;
}

TaskDefinition read_task_file(const std::filesystem::path& path) {
  return parse_task(read_text_file(path, kMaxTaskBytes).take(), path.string());
}

}  // namespace nibble::eval
