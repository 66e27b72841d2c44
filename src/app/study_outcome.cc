#include "app/study_outcome.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace nibble::app {

Json merge_json(const std::filesystem::path& store, const study::MergeOutcome& outcome) {
  return {{"store", store.string()},
          {"stores", outcome.counts.stores},
          {"units", outcome.completeness.units},
          {"whole_units", outcome.completeness.whole},
          {"samples", outcome.completeness.samples},
          {"repeated_samples", outcome.counts.repeated_samples},
          {"repeated_measurements", outcome.counts.repeated_units},
          {"missing", outcome.completeness.missing}};
}

std::string merge_text(const std::filesystem::path& store, const study::MergeOutcome& outcome) {
  constexpr std::size_t kShown = 20;
  const study::Completeness& there = outcome.completeness;
  std::string text = fmt::format("{}: {} of {} units are whole, {} samples\n",
                                 store.string(),
                                 there.whole,
                                 there.units,
                                 there.samples);
  for (std::size_t i = 0; i < std::min(there.missing.size(), kShown); ++i) {
    text += fmt::format("missing: {}\n", there.missing[i]);
  }
  if (there.missing.size() > kShown) {
    text += fmt::format("missing: {} more\n", there.missing.size() - kShown);
  }
  return text;
}

void tell_repeated(const store::MergeCounts& counts, ProgressSink& progress) {
  if (counts.repeated_samples > 0) {
    progress.note(fmt::format("{} samples were in more than one store, the same in each",
                              counts.repeated_samples));
  }
  if (counts.repeated_units > 0) {
    progress.note(
        fmt::format("{} units were measured more than once; what the store that came first says is "
                    "kept",
                    counts.repeated_units));
  }
}

}  // namespace nibble::app
