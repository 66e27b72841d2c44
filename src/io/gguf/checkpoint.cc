#include <mutex>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "base/mapped_file.h"
#include "io/gguf/directory.h"
#include "io/stored.h"

namespace nibble::io {
namespace {

class GgufCheckpoint final : public Checkpoint {
 public:
  GgufCheckpoint(std::shared_ptr<const MappedFile> file,
                 std::vector<GgufTensor> tensors,
                 Json metadata)
      : file_(std::move(file)), tensors_(std::move(tensors)), metadata_(std::move(metadata)) {
    for (std::size_t i = 0; i < tensors_.size(); ++i) {
      index_.emplace(tensors_[i].name, i);
    }
  }

  Container container() const noexcept override { return Container::kGguf; }
  const std::filesystem::path& path() const noexcept override { return file_->path(); }
  const Json& metadata() const noexcept override { return metadata_; }
  std::size_t file_bytes() const noexcept override { return file_->bytes().size(); }
  bool has(std::string_view name) const override { return index_.contains(std::string(name)); }

  std::vector<std::string> names() const override {
    std::vector<std::string> out;
    out.reserve(tensors_.size());
    for (const GgufTensor& tensor : tensors_) {
      out.push_back(tensor.name);
    }
    return out;
  }

  Result<StoredTensor> tensor(std::string_view name) const override {
    const auto found = index_.find(std::string(name));
    if (found == index_.end()) {
      return no_such_tensor(name, names()).within(path().string());
    }
    const GgufTensor& entry = tensors_[found->second];
    const auto bytes = file_->bytes().subspan(entry.offset, entry.n_bytes);
    if (entry.type.dtype) {
      return dense_stored(name, Tensor::borrow(*entry.type.dtype, entry.shape, bytes, file_));
    }
    const auto [rows, cols] = fold(entry.shape);
    StoredTensor out{std::string(name), entry.shape, {}};
    Tensor blocks =
        Tensor::borrow(DType::kU8, {rows, entry.type.blocks->row_bytes(cols)}, bytes, file_);
    out.matrix = codec::block_matrix(entry.type.blocks, rows, cols, std::move(blocks));
    return out;
  }

  Result<std::string> companion(std::string_view file_name) const override {
    return fail(
        ErrorCode::kNotFound, "{}: a GGUF file has no companion '{}'", path().string(), file_name);
  }

  /// The SHA-256 of the file, as sha256sum prints it.
  std::string hash() const override {
    std::call_once(hashed_, [this] {
      Sha256 hash;
      hash_bytes(hash, file_->bytes());
      hash_ = hash.hex();
    });
    return hash_;
  }

  void release_pages() const noexcept override { file_->release_pages(); }

 private:
  std::shared_ptr<const MappedFile> file_;
  std::vector<GgufTensor> tensors_;
  std::unordered_map<std::string, std::size_t> index_;
  Json metadata_;
  mutable std::once_flag hashed_;
  mutable std::string hash_;
};

/// A model cut into several files has only a part of its tensors in each.
Result<void> check_whole(const Json& metadata) {
  const auto count = metadata.find("split.count");
  if (count != metadata.end() && count->is_number_unsigned() && count->get<std::size_t>() > 1) {
    return fail(ErrorCode::kUnsupported,
                "split.count: one of {} parts of a model; join them with llama-gguf-split --merge",
                count->get<std::size_t>());
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Checkpoint>> open_gguf(const std::filesystem::path& path) {
  auto file = MappedFile::open(path);
  if (!file) {
    return file.failure();
  }
  Json metadata;
  auto tensors = parse_gguf((*file)->bytes(), metadata);
  if (!tensors) {
    return tensors.failure().within(path.string());
  }
  if (auto whole = check_whole(metadata); !whole) {
    return whole.failure().within(path.string());
  }
  return std::unique_ptr<Checkpoint>(
      new GgufCheckpoint(std::move(*file), std::move(*tensors), std::move(metadata)));
}

}  // namespace nibble::io
