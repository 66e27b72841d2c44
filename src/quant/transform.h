/// A transform rewrites weights before they are quantized, so that the quantized model does better:
/// those of the whole model (`rewrite`), or of one decoder block while calibration text flows
/// through it (`apply`).
///
/// Transforms are rows of the table in methods.cc, like solvers.
///
/// Source     our own
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/thread_pool.h"
#include "base/toml.h"
#include "codec/codec.h"
#include "io/checkpoint.h"
#include "model/config.h"
#include "quant/calibrate/block_tokens.h"

namespace nibble::quant {

struct TransformInput {
  DecoderBlock& block;
  const BlockTokens& tokens;  ///< at the block's entrance
  /// The codec that a linear layer ("mlp.up_proj.weight") will get; nullptr where it is kept.
  std::function<std::shared_ptr<const codec::Codec>(std::string_view)> codec_of;
};

class DeviceTransform;

class Transform {
 public:
  virtual ~Transform() = default;

  [[nodiscard]] virtual std::vector<std::pair<std::string, std::string>> settings() const = 0;
  [[nodiscard]] virtual Result<void> check(const codec::Codec& codec) const = 0;
  /// Whether `apply` wants calibration.
  [[nodiscard]] virtual bool looks_at_inputs() const { return true; }
  virtual void apply(const TransformInput& /*input*/, ThreadPool& /*pool*/) const {}
  /// `apply` on a device; none in some transforms.
  [[nodiscard]] virtual const DeviceTransform* device_transform() const noexcept { return nullptr; }
  /// Another view of the model, which borrows its arguments; nullptr where `apply` does all.
  /// Without a pool only the shapes of its weights count.
  [[nodiscard]] virtual std::unique_ptr<io::Checkpoint> rewrite(
      const io::Checkpoint& /*source*/,
      const model::ModelConfig& /*config*/,
      ThreadPool* /*pool*/) const {
    return nullptr;
  }
};

struct TransformRow {
  std::string_view name;
  std::string_view summary;
  std::unique_ptr<Transform> (*make)(TomlTable& stage);
};

std::span<const TransformRow> transform_table();
/// kUnsupported names the nearest transform.
Result<const TransformRow*> find_transform(std::string_view name);

}  // namespace nibble::quant
