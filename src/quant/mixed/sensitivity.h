/// How much a model changes when one part of it is quantized and everything else stays: the loss of
/// each part at each number of bits.
///
/// A part is a decoder block's linear layers, or one linear layer. Its codes are chosen by the
/// recipe's method; where that looks at text or tunes whole blocks, by nearest instead, which is
/// what the method starts from. What "changes" means is the caller's: a function from a model to a
/// number.
///
/// Units      bytes as stored, scales and zeros included; the loss is the caller's
/// Threads    solving is split over the pool; equal results for any number of threads
/// Errors     those of the plan and of the methods; kUnsupported for a recipe with transforms, one
///            whose linear layers have no codec, or a codec that the method cannot fill; kCancelled
/// Source     our own; sensitivity of one layer at a time as in Dong et al. 2019 (HAWQ) with a
///            measured divergence in place of a curvature
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/function_ref.h"
#include "base/json.h"
#include "base/progress.h"
#include "base/thread_pool.h"
#include "io/checkpoint.h"
#include "quant/mixed/allocate.h"
#include "quant/recipe.h"

namespace nibble::quant {

enum class PartKind : std::uint8_t { kBlock, kMatrix };

/// One part; `options` runs parallel to the codecs that were tried.
struct Part {
  std::string pattern;  ///< of a scheme: "model.layers.3.*"
  std::size_t n_weights = 0;
  std::vector<PartOption> options;
};

struct Sensitivity {
  std::vector<std::string> codecs;
  std::vector<Part> parts;
  std::string method;  ///< that chose the codes: "hqq", "nearest in place of gptq"
  std::string job;     ///< hash of all that decides the numbers

  [[nodiscard]] std::size_t n_weights() const;
};

using Objective = FunctionRef<double(const io::Checkpoint& model)>;

struct SensitivityJob {
  const io::Checkpoint& checkpoint;
  const Recipe& recipe;
  std::vector<std::string> codecs;
  PartKind kind = PartKind::kBlock;
  std::string objective;  ///< its hash: of the text, and of how it is judged
};

Sensitivity measure_sensitivity(const SensitivityJob& job,
                                Objective objective,
                                ThreadPool& pool,
                                ProgressSink& progress);

/// The first solve stage whose scheme has a codec for the linear layers; kUnsupported for a recipe
/// without one, or with transforms.
const SolveStage& default_stage(const Recipe& recipe);

/// The hash that `Sensitivity::job` has where the same is measured again.
std::string job_hash(const SensitivityJob& job);

/// "int4g64fh" with 2, 3, 4, 5, 6 and 8 bits; kUnsupported for a codec of fixed bits.
Result<std::vector<std::string>> codecs_of_all_bits(std::string_view codec);

Json sensitivity_json(const Sensitivity& sensitivity);
Result<Sensitivity> sensitivity_from_json(const Json& json, std::string_view where);

}  // namespace nibble::quant
