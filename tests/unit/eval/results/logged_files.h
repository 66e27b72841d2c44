/// Small results and samples files for tests that read them.
#pragma once

#include <fmt/format.h>

#include <string>
#include <vector>

#include "support/files.h"

namespace nibble::eval {

/// One line of a task whose only metric is `metric`; `value` is JSON.
inline std::string logged_line(std::size_t id,
                               std::string_view metric,
                               std::string_view value,
                               std::string_view prompt = "p") {
  return fmt::format(R"({{"doc_id": {}, "filter": "none", "metrics": ["{}"], "doc_hash": "d{}", )"
                     R"("prompt_hash": "{}", "target_hash": "t", "{}": {}}})"
                     "\n",
                     id,
                     metric,
                     id,
                     prompt,
                     metric,
                     value);
}

/// Writes a run with one samples file; returns nothing, the folder is the run.
inline void write_logged_run(const std::filesystem::path& folder,
                             std::string_view task,
                             std::string_view lines,
                             std::string_view results = "{}") {
  std::filesystem::create_directories(folder);
  testing::write_file(folder / "results_2026-01-01T00-00-00.json", results);
  testing::write_file(folder / fmt::format("samples_{}_2026-01-01T00-00-00.jsonl", task), lines);
}

}  // namespace nibble::eval
