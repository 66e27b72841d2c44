#include "io/tensor_directory.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/checked_math.h"
#include "base/json.h"
#include "codec/codecs.h"
#include "io/hugging_face.h"
#include "io/stored.h"

namespace nibble::io {
namespace {

/// "model.w", "codes" out of "model.w.codes"; no part when there is no dot.
std::pair<std::string, std::string> split_part(const std::string& name) {
  const auto dot = name.rfind('.');
  return dot == std::string::npos ? std::pair(name, std::string())
                                  : std::pair(name.substr(0, dot), name.substr(dot + 1));
}

Shape shape_from_json(const Json& value, std::string_view where) {
  Shape shape;
  for (const Json& dim : value.is_array() ? value : Json::array()) {
    if (!dim.is_number_unsigned() || dim.get<std::size_t>() == 0) {
      break;
    }
    shape.push_back(dim.get<std::size_t>());
  }
  if (shape.empty() || shape.size() != value.size() || !checked_product(shape)) {
    raise(ErrorCode::kCorruptData, "{}: shape must be a list of whole numbers above 0", where);
  }
  return shape;
}

}  // namespace

Result<TensorDirectory> TensorDirectory::build(std::vector<SafetensorsFile> files,
                                               std::unique_ptr<PackedReader> packed) {
  try {
    TensorDirectory out;
    out.files_ = std::move(files);
    out.packed_ = std::move(packed);
    out.find_packed();
    for (const SafetensorsFile& file : out.files_) {
      out.add_file(file);
    }
    return out;
  } catch (const Error& error) {
    return error.failure();
  }
}

/// Module and suffix of a tensor's name; no suffix where the packed format has none such.
std::pair<std::string, std::string_view> TensorDirectory::split_packed(
    std::string_view name) const noexcept {
  for (const std::string_view suffix :
       packed_ ? packed_->suffixes() : std::span<const std::string_view>()) {
    if (name.size() > suffix.size() + 1 && name.ends_with(suffix) &&
        name[name.size() - suffix.size() - 1] == '.') {
      return {std::string(name.substr(0, name.size() - suffix.size() - 1)), suffix};
    }
  }
  return {};
}

/// An item for each packed weight; a module's tensors may lie in several files.
void TensorDirectory::find_packed() {
  for (const SafetensorsFile& file : files_) {
    for (const SafetensorsEntry& entry : file.entries()) {
      const auto [module, suffix] = split_packed(entry.name);
      const std::string weight = module + ".weight";
      if (!suffix.empty() && suffix != "weight" && !index_.contains(weight)) {
        insert({weight, {}, nullptr, true, {}}, file);
      }
    }
  }
}

void TensorDirectory::add_file(const SafetensorsFile& file) {
  const std::size_t first = items_.size();
  add_encoded(file);
  for (const SafetensorsEntry& entry : file.entries()) {
    add_entry(file, entry);
  }
  for (std::size_t i = first; i < items_.size(); ++i) {
    if (items_[i].parts.empty()) {
      raise(ErrorCode::kCorruptData,
            "{}: {}: no parts of '{}'",
            file.file().path().string(),
            kCodecsKey,
            items_[i].name);
    }
  }
}

void TensorDirectory::add_encoded(const SafetensorsFile& file) {
  const auto found = file.metadata().find(std::string(kCodecsKey));
  if (found == file.metadata().end()) {
    return;
  }
  const std::string where = fmt::format("{}: {}", file.file().path().string(), kCodecsKey);
  const Json codecs = parse_json(found->second, where).take();
  if (!codecs.is_object()) {
    raise(ErrorCode::kCorruptData, "{}: expected an object", where);
  }
  for (const auto& [name, value] : codecs.items()) {
    const std::string here = fmt::format("{}: '{}'", where, name);
    if (!value.is_object() || !value.contains("codec") || !value["codec"].is_string() ||
        !value.contains("shape")) {
      raise(ErrorCode::kCorruptData, "{}: expected an object with codec and shape", here);
    }
    auto codec = codec::codec_from_name(value["codec"].get_ref<const std::string&>());
    if (!codec) {
      throw Error(codec.failure().within(here));
    }
    insert({name, shape_from_json(value["shape"], here), std::move(*codec), false, {}}, file);
  }
}

void TensorDirectory::add_entry(const SafetensorsFile& file, const SafetensorsEntry& entry) {
  const auto [stem, part] = split_part(entry.name);
  const auto encoded = index_.find(stem);
  if (!part.empty() && encoded != index_.end() && items_[encoded->second].codec != nullptr) {
    items_[encoded->second].parts.push_back({part, &file, &entry});
    return;
  }
  const auto [module, suffix] = split_packed(entry.name);
  const auto packed = suffix.empty() ? index_.end() : index_.find(module + ".weight");
  if (packed != index_.end() && items_[packed->second].is_packed) {
    items_[packed->second].parts.push_back({std::string(suffix), &file, &entry});
    return;
  }
  insert({entry.name, entry.shape, nullptr, false, {}}, file).parts.push_back({"", &file, &entry});
}

TensorDirectory::Item& TensorDirectory::insert(Item item, const SafetensorsFile& file) {
  if (!index_.emplace(item.name, items_.size()).second) {
    raise(ErrorCode::kCorruptData,
          "{}: tensor '{}' occurs twice",
          file.file().path().string(),
          item.name);
  }
  return items_.emplace_back(std::move(item));
}

std::vector<std::string> TensorDirectory::names() const {
  std::vector<std::string> out;
  out.reserve(items_.size());
  std::ranges::transform(items_, std::back_inserter(out), &Item::name);
  return out;
}

bool TensorDirectory::has(std::string_view name) const {
  return index_.contains(std::string(name));
}

Result<StoredTensor> TensorDirectory::tensor(std::string_view name) const {
  const auto found = index_.find(std::string(name));
  if (found == index_.end()) {
    return no_such_tensor(name, names());
  }
  const Item& item = items_[found->second];
  if (item.is_packed) {
    try {
      return read_packed(item);
    } catch (const Error& error) {
      return error.failure();
    }
  }
  if (item.codec == nullptr) {
    return dense_stored(item.name, item.parts.front().file->tensor(*item.parts.front().entry));
  }
  const auto [rows, cols] = fold(item.shape);
  StoredTensor out{item.name, item.shape, {item.codec, rows, cols, {}}};
  for (const PartRef& ref : item.parts) {
    out.matrix.parts.push_back({ref.part, ref.file->tensor(*ref.entry)});
  }
  if (auto valid = item.codec->validate(out.matrix); !valid) {
    return valid.failure().within(fmt::format("{} ({})", item.name, item.codec->name()));
  }
  return out;
}

StoredTensor TensorDirectory::read_packed(const Item& item) const {
  PackedTensors tensors{split_part(item.name).first, {}};
  for (const PartRef& ref : item.parts) {
    if (!tensors.by_suffix.emplace(ref.part, ref.file->tensor(*ref.entry)).second) {
      raise(ErrorCode::kCorruptData, "{}.{}: occurs twice", tensors.module, ref.part);
    }
  }
  StoredTensor out{item.name, {}, packed_->read(tensors)};
  out.shape = {out.matrix.rows, out.matrix.cols};
  if (auto valid = out.matrix.codec->validate(out.matrix); !valid) {
    throw Error(valid.failure().within(item.name));
  }
  return out;
}

}  // namespace nibble::io
