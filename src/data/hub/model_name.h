/// Models by the name that a hub gives them, and where those that were pulled lie.
///
///   org/name             MODELS/org/name
///   org/name@revision    MODELS/org/name@revision; a branch, a tag or a commit
///
/// MODELS is $NIBBLE_MODELS, else $XDG_CACHE_HOME/nibble/models, else ~/.cache/nibble/models. A
/// folder is a pulled model once its manifest (manifest_name) is there. Models in the cache of the
/// hub's own tools ($HF_HUB_CACHE, $HF_HOME/hub, ~/.cache/huggingface/hub) are found, too.
///
/// Errors     kInvalidArgument for a text that is no such name; kNotFound
/// Source     huggingface_hub's cache layout
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace nibble::data {

inline constexpr std::string_view kManifestName = "nibble-pull.json";

struct ModelName {
  std::string organisation;
  std::string name;
  std::string revision{};  ///< "": the hub's main

  [[nodiscard]] std::string repository() const { return organisation + "/" + name; }
};

Result<ModelName> parse_model_name(std::string_view text);

std::filesystem::path models_folder();
std::filesystem::path model_folder(const std::filesystem::path& models, const ModelName& name);

/// What a command reads: the folder of a model, or the GGUF file where that is all there is.
/// kInvalidArgument, with their names, where a folder without a config.json has several.
Result<std::filesystem::path> readable_model(const std::filesystem::path& folder);

/// A path that exists as it is; else the model of that name, pulled or in the hub's own cache;
/// else the text as it came, for others to say that it is not there.
std::filesystem::path find_model(const std::string& text);

}  // namespace nibble::data
