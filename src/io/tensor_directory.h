/// The tensors of one or more safetensors files as a model sees them: encoded weights put together
/// from their parts, packed ones of other tools read into nibble's codecs.
///
/// Errors     kCorruptData for a name in two files, an encoded weight without parts, codec entries
///            that are malformed; kUnsupported for an unknown codec; what the packed format reports
/// Source     our own; docs/formats/safetensors.md
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "io/checkpoint.h"
#include "io/formats/packed_format.h"
#include "io/safetensors.h"

namespace nibble::io {

class TensorDirectory {
 public:
  /// `packed` reads the weights of another tool, where the folder is one; nullptr elsewhere.
  static Result<TensorDirectory> build(std::vector<SafetensorsFile> files,
                                       std::unique_ptr<PackedReader> packed = nullptr);
  TensorDirectory(TensorDirectory&&) =
      default;  // items point into files_, whose buffer moves along
  TensorDirectory& operator=(TensorDirectory&&) = default;

  [[nodiscard]] const std::vector<SafetensorsFile>& files() const noexcept { return files_; }
  [[nodiscard]] std::vector<std::string> names() const;
  [[nodiscard]] bool has(std::string_view name) const;
  /// Validates the parts of an encoded weight.
  [[nodiscard]] Result<StoredTensor> tensor(std::string_view name) const;

 private:
  TensorDirectory() = default;
  struct PartRef {
    std::string part;  ///< "" for a plain tensor
    const SafetensorsFile* file = nullptr;
    const SafetensorsEntry* entry = nullptr;
  };
  struct Item {
    std::string name;
    Shape shape;
    std::shared_ptr<const codec::Codec> codec;  ///< nullptr for a plain or packed tensor
    bool is_packed = false;                     ///< parts are for `packed_`; shape is not known yet
    std::vector<PartRef> parts;
  };

  void find_packed();
  [[nodiscard]] std::pair<std::string, std::string_view> split_packed(
      std::string_view name) const noexcept;
  [[nodiscard]] StoredTensor read_packed(const Item& item) const;
  void add_file(const SafetensorsFile& file);
  void add_encoded(const SafetensorsFile& file);
  void add_entry(const SafetensorsFile& file, const SafetensorsEntry& entry);
  Item& insert(Item item, const SafetensorsFile& file);

  std::vector<SafetensorsFile> files_;
  std::unique_ptr<PackedReader> packed_;
  std::vector<Item> items_;
  std::unordered_map<std::string, std::size_t> index_;
};

}  // namespace nibble::io
