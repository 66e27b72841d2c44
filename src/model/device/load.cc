#include "model/device/load.h"

#include "model/device/decoder.h"
#include "model/load.h"
#include "model/weights/weight_loader.h"

namespace nibble::model {
namespace {

/// Of activations, logits and dequantized weights beside those that are packed.
constexpr std::size_t kWorkingBytes = std::size_t{1} << 30;

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
  check_device_support(config, arithmetic).take();
  constexpr std::size_t kHalf = 2;
  const std::size_t needed = memory_needed(checkpoint, config, arithmetic).take() +
                             config.vocab * config.hidden * kHalf + kWorkingBytes;
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
  auto model = std::make_unique<DeviceDecoder>(
      config, arithmetic, load_device_weights(config, loader, *opened), opened, pool);
  progress.end();
  return model;
}

}  // namespace nibble::model
