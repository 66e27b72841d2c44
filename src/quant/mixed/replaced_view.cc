#include "quant/mixed/replaced_view.h"

#include "base/hash.h"
#include "model/weights.h"
#include "quant/checkpoint_view.h"

namespace nibble::quant {
namespace {

class ReplacedView final : public CheckpointView {
 public:
  ReplacedView(const io::Checkpoint& source,
               const model::ModelConfig& config,
               const ReplacedWeights& replaced)
      : CheckpointView(source, config), replaced_(replaced) {}

  std::string hash() const override {
    Sha256 hash;
    hash.field(source_.hash());
    for (const auto& [name, matrix] : replaced_) {
      hash.field(name).field(matrix.codec->name());
    }
    return hash.hex();
  }

 private:
  [[nodiscard]] codec::EncodedMatrix make(const model::WeightInfo& info) const override {
    const auto other = replaced_.find(info.name);
    return other != replaced_.end() ? other->second
                                    : model::load_hf_weight(source_, config_, info.name).take();
  }

  const ReplacedWeights& replaced_;
};

}  // namespace

std::unique_ptr<io::Checkpoint> replaced_view(const io::Checkpoint& source,
                                              const model::ModelConfig& config,
                                              const ReplacedWeights& replaced) {
  return std::make_unique<ReplacedView>(source, config, replaced);
}

}  // namespace nibble::quant
