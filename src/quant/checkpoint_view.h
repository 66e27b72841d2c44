/// A model's weights as something made of them: what the views of transformed and of replaced
/// weights share.
///
/// Names follow the layout of Hugging Face folders whatever the source is. Must not outlive it.
///
/// Errors     kNotFound for a tensor that the model does not have; those of `make`, as failures
/// Source     our own
#pragma once

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "io/checkpoint.h"
#include "model/companions.h"
#include "model/weights.h"

namespace nibble::quant {

class CheckpointView : public io::Checkpoint {
 public:
  CheckpointView(const io::Checkpoint& source, const model::ModelConfig& config)
      : source_(source),
        config_(config),
        weights_(model::list_weights(config)),
        metadata_(model::config_json_of(source, config)) {}

  io::Container container() const noexcept final { return io::Container::kHuggingFace; }
  const std::filesystem::path& path() const noexcept final { return source_.path(); }
  const Json& metadata() const noexcept final { return metadata_; }
  std::size_t file_bytes() const noexcept final { return source_.file_bytes(); }
  void release_pages() const noexcept final { source_.release_pages(); }
  Result<std::string> companion(std::string_view file_name) const final {
    return source_.companion(file_name);
  }
  std::vector<std::string> names() const final {
    std::vector<std::string> out;
    std::ranges::transform(weights_, std::back_inserter(out), &model::WeightInfo::name);
    return out;
  }
  bool has(std::string_view name) const final { return find(name) != nullptr; }

  Result<io::StoredTensor> tensor(std::string_view name) const final {
    const model::WeightInfo* info = find(name);
    if (info == nullptr) {
      return fail(ErrorCode::kNotFound, "no tensor '{}'", name);
    }
    try {
      return io::StoredTensor{info->name, {info->rows, info->cols}, make(*info)};
    } catch (const Error& error) {
      return error.failure();
    }
  }

 protected:
  /// Throws Error where it cannot be made.
  [[nodiscard]] virtual codec::EncodedMatrix make(const model::WeightInfo& info) const = 0;

  const io::Checkpoint& source_;
  model::ModelConfig config_;
  std::vector<model::WeightInfo> weights_;
  Json metadata_;

 private:
  [[nodiscard]] const model::WeightInfo* find(std::string_view name) const {
    const auto found = std::ranges::find(weights_, name, &model::WeightInfo::name);
    return found == weights_.end() ? nullptr : &*found;
  }
};

}  // namespace nibble::quant
