#include "data/hub/model_name.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdlib>
#include <system_error>
#include <vector>

#include "base/error.h"
#include "base/file.h"

namespace nibble::data {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLongest = 96;
constexpr std::size_t kMostOfARef = 256;

bool is_word_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}

bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= kLongest && text.front() != '.' && text.front() != '-' &&
         text.find("..") == std::string_view::npos && std::ranges::all_of(text, is_word_character);
}

bool is_revision(std::string_view text) {
  return !text.empty() && text.size() <= kLongest && text.front() != '/' && text.front() != '-' &&
         text.find("..") == std::string_view::npos &&
         std::ranges::all_of(text, [](char c) { return is_word_character(c) || c == '/'; });
}

fs::path variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

fs::path user_cache() {
  const fs::path given = variable("XDG_CACHE_HOME");
  return given.empty() ? variable("HOME") / ".cache" : given;
}

fs::path hub_cache() {
  if (const fs::path given = variable("HF_HUB_CACHE"); !given.empty()) {
    return given;
  }
  const fs::path home = variable("HF_HOME");
  return (home.empty() ? user_cache() / "huggingface" : home) / "hub";
}

/// The commit that a branch or tag of the hub's cache stands at; the revision itself where it is a
/// commit.
std::string cached_commit(const fs::path& repository, const std::string& revision) {
  auto commit = read_text_file(repository / "refs" / revision, kMostOfARef);
  if (!commit) {
    return revision;
  }
  commit->erase(std::ranges::find_if_not(*commit, is_word_character), commit->end());
  return *commit;
}

fs::path cached_folder(const ModelName& name) {
  const fs::path repository =
      hub_cache() / fmt::format("models--{}--{}", name.organisation, name.name);
  const std::string commit =
      cached_commit(repository, name.revision.empty() ? "main" : name.revision);
  return repository / "snapshots" / commit;
}

}  // namespace

Result<ModelName> parse_model_name(std::string_view text) {
  const std::size_t at = text.find('@');
  const std::string_view repository = text.substr(0, at);
  const std::size_t slash = repository.find('/');
  ModelName out;
  if (slash != std::string_view::npos) {
    out.organisation = repository.substr(0, slash);
    out.name = repository.substr(slash + 1);
  }
  if (at != std::string_view::npos) {
    out.revision = text.substr(at + 1);
  }
  if (!is_word(out.organisation) || !is_word(out.name) ||
      (at != std::string_view::npos && !is_revision(out.revision))) {
    return fail(ErrorCode::kInvalidArgument,
                "'{}' is no model of a hub, wanted org/name or org/name@revision",
                text);
  }
  return out;
}

fs::path models_folder() {
  const fs::path given = variable("NIBBLE_MODELS");
  return given.empty() ? user_cache() / "nibble" / "models" : given;
}

fs::path model_folder(const fs::path& models, const ModelName& name) {
  std::string last = name.name;
  if (!name.revision.empty()) {
    last += "@" + name.revision;
    std::ranges::replace(last, '/', '-');
  }
  return models / name.organisation / last;
}

Result<fs::path> readable_model(const fs::path& folder) {
  std::error_code error;
  if (fs::exists(folder / "config.json", error)) {
    return folder;
  }
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder, error)) {
    if (entry.path().extension() == ".gguf" &&
        !entry.path().filename().string().starts_with("mmproj")) {
      files.push_back(entry.path().string());
    }
  }
  if (files.size() == 1) {
    return fs::path(files.front());
  }
  if (files.empty()) {
    return fail(ErrorCode::kNotFound, "{}: no config.json and no GGUF file", folder.string());
  }
  std::ranges::sort(files);
  return fail(ErrorCode::kInvalidArgument,
              "{}: several GGUF files, name one of them: {}",
              folder.string(),
              fmt::join(files, " "));
}

fs::path find_model(const std::string& text) {
  std::error_code error;
  const auto name = parse_model_name(text);
  if (fs::exists(text, error) || !name) {
    return text;
  }
  const fs::path pulled = model_folder(models_folder(), *name);
  if (fs::exists(pulled / kManifestName, error)) {
    return readable_model(pulled).take();
  }
  const fs::path cached = cached_folder(*name);
  if (fs::is_directory(cached, error)) {
    return readable_model(cached).take();
  }
  return text;
}

}  // namespace nibble::data
