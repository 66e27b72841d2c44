#include "io/hugging_face.h"

#include <algorithm>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>

#include "base/file.h"
#include "io/safetensors.h"
#include "io/stored.h"
#include "io/tensor_directory.h"

namespace nibble::io {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxConfigBytes = std::size_t{16} << 20;
constexpr std::size_t kMaxIndexBytes = std::size_t{100} << 20;

class HuggingFaceCheckpoint final : public Checkpoint {
 public:
  HuggingFaceCheckpoint(fs::path folder,
                        std::string config_text,
                        Json config,
                        TensorDirectory tensors)
      : folder_(std::move(folder)),
        config_text_(std::move(config_text)),
        config_(std::move(config)),
        tensors_(std::move(tensors)) {}

  Container container() const noexcept override { return Container::kHuggingFace; }
  const fs::path& path() const noexcept override { return folder_; }
  const Json& metadata() const noexcept override { return config_; }
  std::vector<std::string> names() const override { return tensors_.names(); }
  bool has(std::string_view name) const override { return tensors_.has(name); }

  Result<StoredTensor> tensor(std::string_view name) const override {
    auto found = tensors_.tensor(name);
    return found ? std::move(found)
                 : Result<StoredTensor>(found.failure().within(folder_.string()));
  }

  Result<std::string> companion(std::string_view file_name) const override {
    if (!is_plain_file_name(file_name)) {
      return fail(
          ErrorCode::kInvalidArgument, "'{}' is not the name of a file in a folder", file_name);
    }
    return read_text_file(folder_ / file_name);
  }

  std::size_t file_bytes() const noexcept override {
    std::size_t sum = 0;
    for (const SafetensorsFile& file : tensors_.files()) {
      sum += file.file().bytes().size();
    }
    return sum;
  }

  /// Name and content of config.json and of each weight file, in the order of names.
  std::string hash() const override {
    std::call_once(hashed_, [this] {
      Sha256 hash;
      hash.field("config.json").field(config_text_);
      for (const SafetensorsFile& file : tensors_.files()) {
        const auto bytes = file.file().bytes();
        hash.field(file.file().path().filename().string()).field(std::to_string(bytes.size()));
        hash_bytes(hash, bytes);
      }
      hash_ = hash.hex();
    });
    return hash_;
  }

  void release_pages() const noexcept override {
    for (const SafetensorsFile& file : tensors_.files()) {
      file.file().release_pages();
    }
  }

 private:
  fs::path folder_;
  std::string config_text_;
  Json config_;
  TensorDirectory tensors_;
  mutable std::once_flag hashed_;
  mutable std::string hash_;
};

/// The shard names of an index file, sorted, and checked to lie in the folder.
std::set<std::string> shard_names(const fs::path& path, const Json& index) {
  const auto map = index.find("weight_map");
  if (map == index.end() || !map->is_object() || map->empty()) {
    raise(ErrorCode::kCorruptData, "{}: no weight_map", path.string());
  }
  std::set<std::string> names;
  for (const auto& [tensor, file] : map->items()) {
    const std::string name = file.is_string() ? file.get<std::string>() : "";
    if (!is_plain_file_name(name) || !name.ends_with(".safetensors")) {
      raise(ErrorCode::kCorruptData,
            "{}: weight_map of '{}': expected the name of a .safetensors file in this folder, "
            "found {}",
            path.string(),
            tensor,
            dump_json(file));
    }
    names.insert(name);
  }
  return names;
}

/// Each entry of the index must be in the file that it names.
void check_weight_map(const fs::path& path,
                      const Json& weight_map,
                      std::span<const SafetensorsFile> files) {
  std::set<std::pair<std::string, std::string>> present;
  for (const SafetensorsFile& file : files) {
    for (const SafetensorsEntry& entry : file.entries()) {
      present.emplace(entry.name, file.file().path().filename().string());
    }
  }
  for (const auto& [tensor, file] : weight_map.items()) {
    if (!present.contains({tensor, file.get<std::string>()})) {
      raise(ErrorCode::kCorruptData,
            "{}: '{}' is not in {}",
            path.string(),
            tensor,
            file.get_ref<const std::string&>());
    }
  }
}

TensorDirectory open_shards(const fs::path& folder,
                            const fs::path& index_path,
                            std::unique_ptr<PackedReader> packed) {
  const std::string text = read_text_file(index_path, kMaxIndexBytes).take();
  const Json index = parse_json(text, index_path.string()).take();
  std::vector<SafetensorsFile> files;
  for (const std::string& name : shard_names(index_path, index)) {
    files.push_back(SafetensorsFile::open(folder / name).take());
  }
  check_weight_map(index_path, index["weight_map"], files);
  return TensorDirectory::build(std::move(files), std::move(packed)).take();
}

TensorDirectory open_weights(const fs::path& folder, std::unique_ptr<PackedReader> packed) {
  if (fs::exists(folder / "model.safetensors")) {
    std::vector<SafetensorsFile> files;
    files.push_back(SafetensorsFile::open(folder / "model.safetensors").take());
    return TensorDirectory::build(std::move(files), std::move(packed)).take();
  }
  if (fs::exists(folder / "model.safetensors.index.json")) {
    return open_shards(folder, folder / "model.safetensors.index.json", std::move(packed));
  }
  if (fs::exists(folder / "pytorch_model.bin") ||
      fs::exists(folder / "pytorch_model.bin.index.json")) {
    raise(ErrorCode::kUnsupported,
          "{}: pytorch_model.bin is a pickle, which can run code when it is read; convert it to "
          "safetensors",
          folder.string());
  }
  raise(ErrorCode::kNotFound,
        "{}: neither model.safetensors nor model.safetensors.index.json",
        folder.string());
}

/// Older folders have the settings of packed weights in a file of their own. Returns its text.
std::string add_packed_settings(const fs::path& folder, Json& config) {
  if (config.contains("quantization_config")) {
    return "";
  }
  for (const PackedFormat& format : packed_formats()) {
    const fs::path path = folder / format.settings_file;
    if (format.settings_file.empty() || !fs::exists(path)) {
      continue;
    }
    std::string text = read_text_file(path, kMaxConfigBytes).take();
    Json settings = parse_json(text, path.string()).take();
    if (!settings.is_object()) {
      raise(ErrorCode::kCorruptData, "{}: expected a JSON object", path.string());
    }
    settings.emplace("quant_method", format.quant_method);
    config["quantization_config"] = std::move(settings);
    return text;
  }
  return "";
}

std::unique_ptr<Checkpoint> open(const fs::path& folder) {
  const fs::path config_path = folder / "config.json";
  if (!fs::exists(config_path)) {
    raise(ErrorCode::kNotFound,
          "{}: no config.json, expected a Hugging Face folder",
          folder.string());
  }
  std::string text = read_text_file(config_path, kMaxConfigBytes).take();
  Json config = parse_json(text, config_path.string()).take();
  if (!config.is_object()) {
    raise(ErrorCode::kCorruptData, "{}: expected a JSON object", config_path.string());
  }
  text += add_packed_settings(folder, config);
  std::unique_ptr<PackedReader> packed;
  try {
    packed = packed_reader_of(config);
  } catch (const Error& error) {
    throw Error(error.failure().within(config_path.string()));
  }
  TensorDirectory weights = open_weights(folder, std::move(packed));
  return std::make_unique<HuggingFaceCheckpoint>(
      folder, std::move(text), std::move(config), std::move(weights));
}

}  // namespace

bool is_plain_file_name(std::string_view name) noexcept {
  return !name.empty() && name != "." && name != ".." &&
         name.find_first_of(std::string_view("/\\\0", 3)) == std::string_view::npos;
}

Result<std::unique_ptr<Checkpoint>> open_hugging_face(const fs::path& folder) {
  try {
    return open(folder);
  } catch (const Error& error) {
    return error.failure();
  }
}

}  // namespace nibble::io
