/// Nominal peaks of devices by name, from a table that lies beside the code and may be replaced by
/// one's own.
///
/// Units      TFLOP/s, TOP/s (1e12), GB/s (1e9 bytes), watts
/// Errors     those of reading TOML; kNotFound with the nearest name
/// Source     hardware.toml names the source of each row
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace nibble::profile {

struct Hardware {
  std::string name;
  std::vector<std::string> also;  ///< other names
  std::optional<double> fp16_tflops, int8_tops, fp32_tflops, bandwidth_gb_s, power_w;
  std::string memory, source;
};

std::vector<Hardware> builtin_hardware();
std::vector<Hardware> parse_hardware(std::string_view text, std::string_view where);
std::vector<Hardware> read_hardware(const std::filesystem::path& path);

/// The row of that name, whatever its letters' case.
Result<Hardware> find_hardware(const std::vector<Hardware>& table, std::string_view name);

}  // namespace nibble::profile
