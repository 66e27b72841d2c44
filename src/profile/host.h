/// Facts about the machine that change how fast a model runs and how far a timing can be trusted.
///
/// Units      bytes
/// Errors     none: what the system does not tell is nullopt or ""
/// Source     proc(5); the kernel's documentation of /sys/kernel/mm/transparent_hugepage and
/// cpufreq
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace nibble::profile {

struct Host {
  std::string processor;         ///< "AMD EPYC 9354"; "unknown" where the system has no name for it
  std::size_t n_processors = 0;  ///< that this process may use
  std::optional<std::size_t> total_memory;
  std::string system;          ///< "Linux 6.1.0 x86_64"
  std::optional<double> load;  ///< average of the last minute
  std::string huge_pages;      ///< "always", "madvise" or "never"
  std::string governor;        ///< "performance", "powersave", ...
};

/// `root` stands in for "/" in tests.
Host read_host(const std::filesystem::path& root = "/");

/// The value behind the first "key : value" line of text like /proc/cpuinfo; "" when absent.
std::string field_of(std::string_view text, std::string_view key);

}  // namespace nibble::profile
