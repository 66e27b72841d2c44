/// The JSON header of a safetensors file, parsed strictly: only what the format allows, no key
/// twice.
///
///   {"__metadata__": {"key": "value", …}, "NAME": {"dtype": "F32", "shape": [2, 3],
///   "data_offsets": [0, 24]}, …}
///
/// Parsed as a stream of events, so that a hostile header costs no more memory than its own size.
///
/// Errors     kCorruptData "header at byte N: …" (N counts from the start of the file),
///            kUnsupported for an unknown dtype
/// Source     the safetensors format
#pragma once

#include <string_view>

#include "base/result.h"
#include "io/safetensors.h"

namespace nibble::io {

/// Offsets in the entries are still relative to the data.
Result<SafetensorsHeader> parse_safetensors_header(std::string_view json);

}  // namespace nibble::io
