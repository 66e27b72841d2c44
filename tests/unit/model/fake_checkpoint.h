/// A checkpoint of metadata and small dense tensors, made in a test.
#pragma once

#include <algorithm>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "codec/dense.h"
#include "io/checkpoint.h"

namespace nibble::model::testing {

class FakeCheckpoint final : public io::Checkpoint {
 public:
  FakeCheckpoint(io::Container container, Json metadata)
      : container_(container), metadata_(std::move(metadata)) {}

  /// A float32 matrix, rows times cols values.
  void add(const std::string& name,
           std::size_t rows,
           std::size_t cols,
           const std::vector<float>& values) {
    matrices_[name] =
        codec::dense_matrix(Tensor::from<float>(DType::kF32, {rows, cols}, std::span(values)));
  }
  void add(const std::string& name, codec::EncodedMatrix matrix) {
    matrices_[name] = std::move(matrix);
  }
  Json& edit() { return metadata_; }

  io::Container container() const noexcept override { return container_; }
  const std::filesystem::path& path() const noexcept override { return path_; }
  std::vector<std::string> names() const override {
    std::vector<std::string> out;
    std::ranges::transform(
        matrices_, std::back_inserter(out), [](const auto& entry) { return entry.first; });
    return out;
  }
  bool has(std::string_view name) const override { return matrices_.contains(std::string(name)); }
  Result<io::StoredTensor> tensor(std::string_view name) const override {
    const auto found = matrices_.find(std::string(name));
    if (found == matrices_.end()) {
      return fail(ErrorCode::kNotFound, "no tensor '{}'", name);
    }
    return io::StoredTensor{found->first, {found->second.rows, found->second.cols}, found->second};
  }
  const Json& metadata() const noexcept override { return metadata_; }
  Result<std::string> companion(std::string_view file_name) const override {
    return fail(ErrorCode::kNotFound, "no companion '{}'", file_name);
  }
  std::size_t file_bytes() const noexcept override { return 0; }
  std::string hash() const override { return "fake"; }
  void release_pages() const noexcept override { ++n_releases_; }
  [[nodiscard]] int n_releases() const noexcept { return n_releases_; }

 private:
  mutable int n_releases_ = 0;
  io::Container container_;
  Json metadata_;
  std::map<std::string, codec::EncodedMatrix> matrices_;
  std::filesystem::path path_ = "fake";
};

}  // namespace nibble::model::testing
