/// What must be the same for observations to belong together, and what else a reader wants to know.
///
/// Errors     `check_conditions` throws kMismatch with every difference
/// Source     our own
#pragma once

#include <filesystem>
#include <span>

#include "store/records.h"

namespace nibble::study {

/// Throws unless every binding condition of `stored` and `wanted` is the same. An empty `stored`
/// fits everything.
void check_conditions(std::span<const store::Condition> stored,
                      std::span<const store::Condition> wanted,
                      const std::filesystem::path& store);

}  // namespace nibble::study
