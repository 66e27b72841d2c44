/// "did you mean …": the nearest known name to one that is not known.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace nibble {

/// The candidate with the least edit distance, or "" when none is near (more than a third of the
/// letters differ).
std::string nearest_name(std::string_view name, std::span<const std::string_view> known);

/// " (did you mean 'gptq'?)", or "" when nothing is near.
std::string did_you_mean(std::string_view name, std::span<const std::string_view> known);

}  // namespace nibble
