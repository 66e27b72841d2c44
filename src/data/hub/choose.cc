#include "data/hub/choose.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fnmatch.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/error.h"

namespace nibble::data {
namespace {

constexpr std::array<std::string_view, 8> kOtherWeights = {
    ".bin", ".pt", ".pth", ".h5", ".msgpack", ".onnx", ".ckpt", ".npz"};
constexpr std::array<std::string_view, 5> kBesideWeights = {
    ".json", ".txt", ".model", ".jinja", ".tiktoken"};

bool is_in_first_folder(const HubFile& file) {
  return file.path.find('/') == std::string::npos;
}

bool has_end(std::string_view path, const auto& ends) {
  return std::ranges::any_of(ends, [path](std::string_view end) { return path.ends_with(end); });
}

bool is_safetensors(const HubFile& file) {
  return file.path.ends_with(".safetensors") && is_in_first_folder(file);
}

/// Vision projectors and importance matrices are parts of no choice.
bool is_gguf_model(const HubFile& file) {
  const std::string_view name = std::string_view(file.path).substr(file.path.rfind('/') + 1);
  return name.ends_with(".gguf") && !name.starts_with("mmproj") && !name.starts_with("imatrix");
}

/// "model-00001-of-00003.gguf" and its sisters under one name.
std::string without_shard(const std::string& path) {
  constexpr std::size_t kTail = std::string_view("-00001-of-00003.gguf").size();
  const bool is_shard =
      path.size() > kTail &&
      fnmatch("-[0-9]*-of-[0-9]*.gguf", path.c_str() + path.size() - kTail, 0) == 0;
  return is_shard ? path.substr(0, path.size() - kTail) : path;
}

bool is_about_the_model(const HubFile& file) {
  const std::string_view path = file.path;
  return is_in_first_folder(file) && (path.starts_with("LICEN") || path.starts_with("README") ||
                                      path.starts_with("NOTICE") || path.starts_with("USE_POLICY"));
}

/// "1_Pooling/config.json" of a sentence encoder.
bool is_part_settings(std::string_view path) {
  return fnmatch("[0-9]_*/*.json", std::string(path).c_str(), FNM_PATHNAME) == 0;
}

bool belongs_to_safetensors(const HubFile& file) {
  const std::string_view path = file.path;
  const bool is_beside = is_in_first_folder(file) && has_end(path, kBesideWeights) &&
                         !path.ends_with(".bin.index.json") && path != "params.json";
  return is_safetensors(file) || is_beside || is_part_settings(path) || is_about_the_model(file);
}

std::vector<HubFile> matching(const std::vector<HubFile>& files, const auto& is_wanted) {
  std::vector<HubFile> out;
  std::ranges::copy_if(files, std::back_inserter(out), is_wanted);
  return out;
}

/// The same weights in one piece beside those in several.
void drop_consolidated(std::vector<HubFile>& files) {
  const auto is_consolidated = [](const HubFile& file) {
    return file.path.starts_with("consolidated") && is_safetensors(file);
  };
  const bool has_others = std::ranges::any_of(
      files, [&](const HubFile& file) { return is_safetensors(file) && !is_consolidated(file); });
  if (has_others) {
    std::erase_if(files, is_consolidated);
  }
}

Result<std::vector<HubFile>> choose_gguf(const std::vector<HubFile>& files) {
  std::vector<std::string> listed;
  std::set<std::string> models;
  for (const HubFile& file : matching(files, is_gguf_model)) {
    models.insert(without_shard(file.path));
    listed.push_back(fmt::format("\n  {:>9}  {}", size_text(file.n_bytes), file.path));
  }
  if (models.size() > 1) {
    return fail(ErrorCode::kInvalidArgument,
                "{} GGUF models, choose one, such as --include '{}*':{}",
                models.size(),
                *models.begin(),
                fmt::join(listed, ""));
  }
  return matching(
      files, [](const HubFile& file) { return is_gguf_model(file) || is_about_the_model(file); });
}

}  // namespace

Result<std::vector<HubFile>> choose_files(const std::vector<HubFile>& files,
                                          const std::vector<std::string>& patterns) {
  if (!patterns.empty()) {
    auto chosen = matching(files, [&patterns](const HubFile& file) {
      return std::ranges::any_of(patterns, [&file](const std::string& pattern) {
        return fnmatch(pattern.c_str(), file.path.c_str(), 0) == 0;
      });
    });
    if (chosen.empty()) {
      return fail(ErrorCode::kNotFound,
                  "none of its {} files matches {}",
                  files.size(),
                  fmt::join(patterns, " "));
    }
    return chosen;
  }
  if (std::ranges::any_of(files, is_safetensors)) {
    auto chosen = matching(files, belongs_to_safetensors);
    drop_consolidated(chosen);
    return chosen;
  }
  if (std::ranges::any_of(files, is_gguf_model)) {
    return choose_gguf(files);
  }
  const bool has_others = std::ranges::any_of(
      files, [](const HubFile& file) { return has_end(file.path, kOtherWeights); });
  return fail(ErrorCode::kUnsupported,
              "{}; nibble reads safetensors and GGUF",
              has_others ? "its weights are pickled or of another program"
                         : "no weights in the repository");
}

std::string size_text(std::size_t n_bytes) {
  constexpr double kStep = 1000;
  double value = static_cast<double>(n_bytes);
  std::size_t unit = 0;
  constexpr std::array<std::string_view, 5> kUnits = {"B", "kB", "MB", "GB", "TB"};
  while (value >= kStep && unit + 1 < kUnits.size()) {
    value /= kStep;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} B", n_bytes)
                   : fmt::format("{:.1f} {}", value, kUnits.at(unit));
}

}  // namespace nibble::data
