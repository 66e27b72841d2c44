/// A decoder model with its weights, ready to run: packed tokens in, hidden states and logits out.
///
/// A `forward` takes the new tokens of any number of sequences, packed without padding; each
/// sequence goes on at the length that it has in the cache. The output head runs only on the rows
/// that the caller asks for.
///
/// Shapes     tokens [n] over all sequences; hidden [n_wanted, hidden]; logits [n_rows, vocab]
/// Threads    one call at a time; the work is split over the pool given at load
/// Errors     kInvalidArgument for a token outside the vocabulary; kCancelled between layers when
///            the flag is raised
/// Source     our own; architectures follow the Transformers library (`model/architectures/`)
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/arithmetic.h"
#include "base/thread_pool.h"
#include "model/config.h"
#include "model/kv_cache.h"
#include "ops/token_scores.h"
#include "tensor/matrix_view.h"

namespace nibble::model {

class AttentionMass;

struct SequenceChunk {
  SequenceId sequence = 0;
  std::span<const std::int32_t> tokens;
  /// What the sequence's tokens look at, measured in passing (attention_mass.h).
  AttentionMass* attention = nullptr;
};

class LanguageModel {
 public:
  virtual ~LanguageModel() = default;

  [[nodiscard]] virtual const ModelConfig& config() const noexcept = 0;
  [[nodiscard]] virtual Arithmetic arithmetic() const noexcept = 0;
  [[nodiscard]] virtual ThreadPool& pool() const noexcept = 0;
  /// Bytes of packed weights in memory.
  [[nodiscard]] virtual std::size_t weight_bytes() const noexcept = 0;

  /// Runs the chunks through all layers. `wanted` lists packed row numbers (ascending) whose hidden
  /// state, after the final norm, goes to `hidden`, one row each. Keys and values are appended to
  /// `cache`.
  virtual void forward(std::span<const SequenceChunk> chunks,
                       KvCache& cache,
                       std::span<const std::uint32_t> wanted,
                       MatrixView<float> hidden) = 0;

  /// logits = head(hidden), soft limit applied.
  virtual void head(MatrixView<const float> hidden, MatrixView<float> logits) = 0;
  /// Log-probabilities of targets (by ascending row of `hidden`) under the logits, which are never
  /// kept: the head runs a slice of the vocabulary at a time.
  virtual void score(MatrixView<const float> hidden,
                     std::span<const ops::RowTarget> targets,
                     std::span<ops::TokenScore> scores) = 0;

  /// How keys and values are kept: as set, or as this model's arithmetic wants them.
  [[nodiscard]] KvSetup kv() const;
  void set_kv(KvSetup setup) { kv_ = std::move(setup); }
  [[nodiscard]] KvCache make_cache(std::size_t max_bytes) const;
  /// What runs it: "cpu", "cuda:0".
  [[nodiscard]] virtual std::string device() const { return "cpu"; }
  /// Packed weights that lie in the host's memory though a device runs the model.
  [[nodiscard]] virtual std::size_t host_weight_bytes() const noexcept { return 0; }
  /// The most that this process had of the device since the model was loaded; none: the host's.
  [[nodiscard]] virtual std::optional<std::size_t> most_device_bytes() const {
    return std::nullopt;
  }
  /// Bytes of keys and values where nobody says how many: half of the free memory, or of a device
  /// what its work leaves.
  [[nodiscard]] virtual std::size_t cache_budget() const;

 protected:
  /// Where the model wants keys and values; nullptr: in the host's memory.
  [[nodiscard]] virtual std::shared_ptr<PageMemory> page_memory() const { return nullptr; }

 private:
  std::optional<KvSetup> kv_;
};

}  // namespace nibble::model
