/// Hugging Face folders, also those that nibble wrote: config.json, model.safetensors or its
/// shards, companions.
///
/// A weight that nibble encoded is stored as one tensor a codec part, "NAME.codes", "NAME.scales",
/// …, and the metadata key "nibble.codecs" of the file says which: {"NAME": {"codec": "int4g64a",
/// "shape": [rows, cols]}}. Reading puts the parts back together, so that callers see NAME only.
///
/// Errors     kNotFound for a folder without config.json or weights; kCorruptData for an index or
///            parts that do not fit
/// Source     transformers' folder layout; docs/formats/safetensors.md
#pragma once

#include <filesystem>
#include <memory>

#include "base/result.h"
#include "io/checkpoint.h"

namespace nibble::io {

/// The key of a file's metadata under which encoded weights are listed.
inline constexpr std::string_view kCodecsKey = "nibble.codecs";

Result<std::unique_ptr<Checkpoint>> open_hugging_face(const std::filesystem::path& folder);

/// True for the name of a file directly inside a folder: no separators, not "." or "..".
bool is_plain_file_name(std::string_view name) noexcept;

}  // namespace nibble::io
