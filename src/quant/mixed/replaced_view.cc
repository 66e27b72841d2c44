#include "quant/mixed/replaced_view.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "model/companions.h"
#include "model/weights.h"

namespace nibble::quant {
namespace {

class ReplacedView final : public io::Checkpoint {
 public:
  ReplacedView(const io::Checkpoint& source,
               const model::ModelConfig& config,
               const ReplacedWeights& replaced)
      : source_(source),
        config_(config),
        replaced_(replaced),
        weights_(model::list_weights(config)),
        metadata_(model::config_json_of(source, config)) {}

  io::Container container() const noexcept override { return io::Container::kHuggingFace; }
  const std::filesystem::path& path() const noexcept override { return source_.path(); }
  const Json& metadata() const noexcept override { return metadata_; }
  std::size_t file_bytes() const noexcept override { return source_.file_bytes(); }
  void release_pages() const noexcept override { source_.release_pages(); }
  Result<std::string> companion(std::string_view file_name) const override {
    return source_.companion(file_name);
  }
  std::string hash() const override {
    Sha256 hash;
    hash.field(source_.hash());
    for (const auto& [name, matrix] : replaced_) {
      hash.field(name).field(matrix.codec->name());
    }
    return hash.hex();
  }
  std::vector<std::string> names() const override {
    std::vector<std::string> out;
    std::ranges::transform(weights_, std::back_inserter(out), &model::WeightInfo::name);
    return out;
  }
  bool has(std::string_view name) const override { return find(name) != nullptr; }

  Result<io::StoredTensor> tensor(std::string_view name) const override {
    const model::WeightInfo* info = find(name);
    if (info == nullptr) {
      return fail(ErrorCode::kNotFound, "no tensor '{}'", name);
    }
    if (const auto other = replaced_.find(name); other != replaced_.end()) {
      return io::StoredTensor{info->name, {info->rows, info->cols}, other->second};
    }
    auto matrix = model::load_hf_weight(source_, config_, name);
    if (!matrix) {
      return matrix.failure();
    }
    return io::StoredTensor{info->name, {info->rows, info->cols}, std::move(*matrix)};
  }

 private:
  [[nodiscard]] const model::WeightInfo* find(std::string_view name) const {
    const auto found = std::ranges::find(weights_, name, &model::WeightInfo::name);
    return found == weights_.end() ? nullptr : &*found;
  }

  const io::Checkpoint& source_;
  const model::ModelConfig& config_;
  const ReplacedWeights& replaced_;
  std::vector<model::WeightInfo> weights_;
  Json metadata_;
};

}  // namespace

std::unique_ptr<io::Checkpoint> replaced_view(const io::Checkpoint& source,
                                              const model::ModelConfig& config,
                                              const ReplacedWeights& replaced) {
  return std::make_unique<ReplacedView>(source, config, replaced);
}

}  // namespace nibble::quant
