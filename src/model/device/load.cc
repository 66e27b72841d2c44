#include "model/device/load.h"

#include <fmt/format.h>

#include "model/device/decoder.h"
#include "model/device/exact_decoder.h"
#include "model/device/needs.h"
#include "model/load.h"
#include "model/memory.h"
#include "model/weights/weight_loader.h"

namespace nibble::model {
namespace {

/// Of activations, logits and dequantized weights beside those that are packed, in float32.
constexpr std::size_t kExactWorkBytes = std::size_t{1} << 30;

double gibibytes(std::size_t n_bytes) {
  return static_cast<double>(n_bytes) / (1024.0 * 1024.0 * 1024.0);
}

/// A model in float32 lies on the device whole; a tied embedding is the head's memory.
void require_exact_room(const io::Checkpoint& checkpoint,
                        const ModelConfig& config,
                        const ops::Device& device,
                        const std::string& name) {
  const std::size_t embedding =
      config.tied_embeddings ? 0 : config.vocab * config.hidden * sizeof(float);
  const std::size_t needed = memory_needed(checkpoint, config, Arithmetic::kF32).take() +
                             embedding + kExactWorkBytes;
  if (const std::size_t free = device.free_bytes(); needed > free) {
    raise(ErrorCode::kOutOfMemory,
          "{} needs {:.1f} GiB on {} in f32, {:.1f} GiB are free",
          checkpoint.path().string(),
          gibibytes(needed),
          name,
          gibibytes(free));
  }
}

/// Streamed layers wait in the host's memory.
StreamPlan plan_memory(const DeviceNeeds& needs,
                       DeviceSpace space,
                       const std::string& what,
                       const std::string& device) {
  StreamPlan plan = plan_stream(needs, space, what, device).take();
  if (plan.n_streamed() > 0) {
    require_memory(fmt::format("{}: what does not fit {}", what, device),
                   plan.streamed_bytes,
                   available_memory())
        .take();
  }
  return plan;
}

}  // namespace

std::unique_ptr<LanguageModel> build_device_model(const io::Checkpoint& checkpoint,
                                                  const ModelConfig& config,
                                                  Arithmetic arithmetic,
                                                  const DeviceRoom& room,
                                                  ThreadPool& pool,
                                                  ProgressSink& progress) {
  const auto device = ops::Device::open(room.name);
  check_device_support(config, arithmetic).take();
  device->set_limit(room.memory_bytes);
  device->forget_most();
  const std::string what = checkpoint.path().string();
  const WeightLoader loader(checkpoint, config, arithmetic, pool, progress);
  if (arithmetic == Arithmetic::kF32) {
    require_exact_room(checkpoint, config, *device, room.name);
    progress.begin("load", config.n_layers);
    ExactWeights weights = load_exact_weights(config, loader, *device);
    progress.end();
    return std::make_unique<ExactDecoder>(config, std::move(weights), device, pool);
  }
  const DeviceNeeds needs = device_needs(checkpoint, config, arithmetic);
  const DeviceSpace space{device->free_bytes(), room.memory_bytes != 0};
  const StreamPlan plan = plan_memory(needs, space, what, room.name);
  progress.begin("load", config.n_layers);
  DeviceWeights weights = load_device_weights(config, loader, plan, *device);
  progress.end();
  if (plan.n_streamed() > 0) {
    progress.note(stream_note(needs, plan, space, weights.stream->measure_bus(), what, room.name));
  }
  return std::make_unique<DeviceDecoder>(config, arithmetic, std::move(weights), device, pool);
}

}  // namespace nibble::model
