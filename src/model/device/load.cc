#include "model/device/load.h"

#include "model/device/decoder.h"
#include "model/device/exact_decoder.h"
#include "model/load.h"
#include "model/weights/weight_loader.h"

namespace nibble::model {
namespace {

/// Of activations, logits and dequantized weights beside those that are packed.
constexpr std::size_t kWorkingBytes = std::size_t{1} << 30;
/// Of the embedding, which is no linear layer; in float32 a tied one is the head's memory.
constexpr std::size_t kHalf = 2;

double gibibytes(std::size_t n_bytes) {
  return static_cast<double>(n_bytes) / (1024.0 * 1024.0 * 1024.0);
}

}  // namespace

std::unique_ptr<LanguageModel> build_device_model(const io::Checkpoint& checkpoint,
                                                  const ModelConfig& config,
                                                  Arithmetic arithmetic,
                                                  const std::string& device,
                                                  ThreadPool& pool,
                                                  ProgressSink& progress) {
  const auto opened = ops::Device::open(device);
  check_device_support(config).take();
  const bool is_exact = arithmetic == Arithmetic::kF32;
  const std::size_t value_bytes = is_exact ? (config.tied_embeddings ? 0 : sizeof(float)) : kHalf;
  const std::size_t needed = memory_needed(checkpoint, config, arithmetic).take() +
                             config.vocab * config.hidden * value_bytes + kWorkingBytes;
  if (const std::size_t free = opened->free_bytes(); needed > free) {
    raise(ErrorCode::kOutOfMemory,
          "{} needs {:.1f} GiB on {}, {:.1f} GiB are free",
          checkpoint.path().string(),
          gibibytes(needed),
          device,
          gibibytes(free));
  }
  progress.begin("load", config.n_layers);
  const WeightLoader loader(checkpoint, config, arithmetic, pool, progress);
  std::unique_ptr<LanguageModel> model;
  if (is_exact) {
    model = std::make_unique<ExactDecoder>(
        config, load_exact_weights(config, loader, *opened), opened, pool);
  } else {
    model = std::make_unique<DeviceDecoder>(
        config, arithmetic, load_device_weights(config, loader, *opened), opened, pool);
  }
  progress.end();
  return model;
}

}  // namespace nibble::model
