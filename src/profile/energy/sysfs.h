/// Small files of /sys as numbers and words.
///
/// Errors     kIo with the path where a file cannot be read, kCorruptData where it is no number
/// Source     Linux Documentation/filesystems/sysfs
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace nibble::profile {

Result<double> read_number(const std::filesystem::path& path);
/// The same where the reason for having none does not matter.
std::optional<double> number_in(const std::filesystem::path& path);
/// The first line without its end; "" where the file cannot be read.
std::string read_word(const std::filesystem::path& path);
/// Entries of a folder whose names begin so, in the order of their names; none where it is absent.
std::vector<std::filesystem::path> entries(const std::filesystem::path& folder,
                                           std::string_view prefix);

}  // namespace nibble::profile
