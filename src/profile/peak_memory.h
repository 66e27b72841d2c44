/// The most memory that this process had resident, from one point in time on.
///
/// The kernel keeps the mark as VmHWM and lowers it to the present use when "5" is written to
/// /proc/self/clear_refs. Freed memory is given back first, so that what ran before is not counted.
/// Pages of mapped files count while they are resident.
///
/// Units      bytes
/// Errors     none; a kernel that keeps no mark or does not lower it gives no value
/// Source     proc(5)
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace nibble::profile {

/// Lowers the mark to the present use. False where the kernel refuses: the mark is then that of the
/// whole process and says nothing about one model.
bool reset_peak_memory();

/// The mark; nullopt where the system has none.
std::optional<std::size_t> peak_memory_bytes();

/// The value in bytes of a line "VmHWM:   123 kB" of /proc/self/status.
std::optional<std::size_t> parse_status_line(std::string_view status, std::string_view key);

}  // namespace nibble::profile
