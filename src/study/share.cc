#include "study/share.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <system_error>
#include <variant>

#include "base/suggest.h"
#include "study/split.h"
#include "study/study.h"

namespace nibble::study {
namespace {

namespace fs = std::filesystem;

bool read_count(std::string_view text, std::size_t& out) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, out);
  return error == std::errc() && stop == end && out >= 1 && out <= kMostParts;
}

/// Whether variants read the answers that the reference gave.
bool reads_reference(const eval::Task& task) {
  // Where a search finds no right document for the first question, it has no such request.
  const bool has_metric = std::ranges::any_of(task.info().metrics, [](const eval::MetricRow& row) {
    return row.name.starts_with("attention_");
  });
  return has_metric ||
         (task.n_samples() > 0 &&
          std::ranges::any_of(task.sample(0).requests, [](const eval::Request& request) {
            return std::holds_alternative<eval::EvidenceRequest>(request);
          }));
}

}  // namespace

Result<PlanPart> parse_part(std::string_view text) {
  const std::size_t slash = text.find('/');
  PlanPart part;
  if (slash == std::string_view::npos || !read_count(text.substr(0, slash), part.number) ||
      !read_count(text.substr(slash + 1), part.n_parts) || part.number > part.n_parts) {
    return fail(ErrorCode::kInvalidArgument,
                "'{}' is no part of a plan, wanted I/N such as 3/8, N at most {}",
                text,
                kMostParts);
  }
  return part;
}

fs::path part_folder(const fs::path& output, const PlanPart& part) {
  return output / "parts" / fmt::format("{}-of-{}", part.number, part.n_parts);
}

bool is_store(const fs::path& path) {
  std::error_code absent;
  const auto n_bytes = fs::file_size(path, absent);
  return !absent && n_bytes > 0;
}

std::vector<fs::path> part_stores(const fs::path& output) {
  std::vector<fs::path> out;
  std::error_code absent;
  for (const auto& entry : fs::directory_iterator(output / "parts", absent)) {
    if (const fs::path store = store_path(entry.path()); is_store(store)) {
      out.push_back(store);
    }
  }
  std::ranges::sort(out);
  return out;
}

UnitSet named_units(const StudyPlan& plan, std::span<const std::string> names) {
  UnitSet out;
  const PlanIndex index(plan);
  const std::vector<std::string> known = unit_names(plan);
  for (const std::string& name : names) {
    bool is_found = false;
    for (std::size_t i = 0; i < plan.units.size(); ++i) {
      if (known[i] == name || plan.variants[index.variant_of(i)].record.name == name) {
        out.insert(plan.units[i].id);
        is_found = true;
      }
    }
    if (!is_found) {
      const std::vector<std::string_view> candidates(known.begin(), known.end());
      raise(ErrorCode::kInvalidArgument,
            "the plan has no unit '{}'{}; wanted VARIANT, VARIANT/TASK or VARIANT/speed",
            name,
            did_you_mean(name, candidates));
    }
  }
  return out;
}

UnitSet whole_units(const StudyPlan& plan, const PlanIndex& index, const store::Store& store) {
  UnitSet out;
  for (const auto& [unit, n_stored] : store.sample_counts()) {
    const auto position = index.find(unit);
    const auto task = position ? index.task_of(*position) : std::nullopt;
    if (task && n_stored == plan.tasks[*task].record.n_samples) {
      out.insert(unit);
    }
  }
  for (const std::string& unit : store.measured_units()) {
    if (index.find(unit)) {
      out.insert(unit);
    }
  }
  return out;
}

UnitSet with_references(const StudyPlan& plan, UnitSet units) {
  const std::string& reference = plan.variants.front().record.id;
  for (const PlannedTask& task : plan.tasks) {
    const auto is_taken = [&](const store::UnitRecord& unit) {
      return unit.task == task.record.id && units.contains(unit.id);
    };
    if (!std::ranges::any_of(plan.units, is_taken)) {
      continue;
    }
    if (!task.reads.empty()) {
      units.insert(task.reads);
    }
    if (!reads_reference(*task.task)) {
      continue;
    }
    for (const store::UnitRecord& unit : plan.units) {
      if (unit.task == task.record.id && unit.variant == reference) {
        units.insert(unit.id);
      }
    }
  }
  return units;
}

}  // namespace nibble::study
