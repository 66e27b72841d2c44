/// A transform rewrites the weights of a decoder block before they are quantized, so that the
/// quantized block does better.
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
#include "quant/calibrate/block_tokens.h"

namespace nibble::quant {

struct TransformInput {
  DecoderBlock& block;
  const BlockTokens& tokens;  ///< at the block's entrance
  /// The codec that a linear layer ("mlp.up_proj.weight") will get; nullptr where it is kept.
  std::function<std::shared_ptr<const codec::Codec>(std::string_view)> codec_of;
};

class Transform {
 public:
  virtual ~Transform() = default;

  [[nodiscard]] virtual std::vector<std::pair<std::string, std::string>> settings() const = 0;
  [[nodiscard]] virtual Result<void> check(const codec::Codec& codec) const = 0;
  virtual void apply(const TransformInput& input, ThreadPool& pool) const = 0;
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
