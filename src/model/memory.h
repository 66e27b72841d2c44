/// How much memory this process may still take, and whether a need fits into it.
///
/// Units      bytes
/// Errors     `require_memory` is kOutOfMemory: "m.gguf needs 13.5 GiB of memory, 7.9 GiB are free"
/// Source     our own; /proc/meminfo (MemAvailable) and the cgroup v2 and v1 limits
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace nibble::model {

/// The smallest of what the kernel calls available and what is left of each control group on the
/// way up; nullopt where neither can be read. `root` stands in for "/" in tests.
std::optional<std::size_t> available_memory(const std::filesystem::path& root = "/");

/// Whether `n_bytes` for `what` are there; passes where the free memory is not known.
Result<void> require_memory(std::string_view what,
                            std::size_t n_bytes,
                            std::optional<std::size_t> n_available);

}  // namespace nibble::model
