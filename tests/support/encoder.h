/// Where tests find a sentence encoder.
#pragma once

#include <cstdlib>

#include "support/files.h"

namespace nibble::testing {

/// The folder of all-MiniLM-L6-v2: $NIBBLE_ENCODER, then beside the demo model, where
/// scripts/get-encoder puts it.
inline std::optional<std::filesystem::path> encoder_model() {
  const char* named = std::getenv("NIBBLE_ENCODER");
  const auto demo = demo_model();
  const std::filesystem::path folder = named != nullptr && *named != '\0'
                                           ? std::filesystem::path(named)
                                       : demo ? demo->parent_path() / "all-MiniLM-L6-v2"
                                              : std::filesystem::path();
  return std::filesystem::exists(folder / "model.safetensors") ? std::optional(folder)
                                                               : std::nullopt;
}

}  // namespace nibble::testing
