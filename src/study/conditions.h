/// What must be the same for observations to belong together, and what else a reader wants to know.
///
/// Errors     `check_conditions` throws kMismatch with every difference
/// Source     our own; Linux's /proc
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "store/records.h"

namespace nibble::study {

/// What is asked of the machine.
struct Machine {
  std::string processor;  ///< "AMD EPYC 9R14"
  std::size_t n_processors = 0;
  std::string memory;  ///< "23.4 GB"
  std::string system;  ///< "Linux 6.1.0 x86_64"
};

Machine describe_machine();

/// The value behind the first "key : value" line of text like /proc/cpuinfo; "" when absent.
std::string field_of(std::string_view text, std::string_view key);

/// Throws unless every binding condition of `stored` and `wanted` is the same. An empty `stored`
/// fits everything.
void check_conditions(std::span<const store::Condition> stored,
                      std::span<const store::Condition> wanted,
                      const std::filesystem::path& store);

}  // namespace nibble::study
