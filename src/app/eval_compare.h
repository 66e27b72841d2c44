/// `nibble eval --compare A B`: what two runs over the same documents show of their difference.
///
/// Source     our own
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "app/command.h"
#include "base/json.h"
#include "eval/results/compare.h"

namespace nibble::app {

/// Prints conditions that differ, then the comparison; the exit status.
int compare_results(const std::filesystem::path& a,
                    const std::filesystem::path& b,
                    const Globals& globals);

std::string compare_table(std::span<const eval::ComparedMetric> rows);
Json compare_json(std::span<const eval::ComparedMetric> rows);

}  // namespace nibble::app
