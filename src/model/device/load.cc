#include "model/device/load.h"

#include <fmt/format.h>

#include "model/device/decoder.h"
#include "model/device/exact_decoder.h"
#include "model/device/needs.h"
#include "model/memory.h"
#include "model/weights/weight_loader.h"

namespace nibble::model {
namespace {

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
  if (arithmetic == Arithmetic::kF32) {
    return build_exact_decoder(checkpoint, config, device, pool, progress);
  }
  const std::string what = checkpoint.path().string();
  const DeviceNeeds needs = device_needs(checkpoint, config, arithmetic);
  const DeviceSpace space{device->free_bytes(), room.memory_bytes != 0};
  const StreamPlan plan = plan_memory(needs, space, what, room.name);
  progress.begin("load", config.n_layers);
  const WeightLoader loader(checkpoint, config, arithmetic, pool, progress);
  DeviceWeights weights = load_device_weights(config, loader, plan, *device);
  progress.end();
  if (plan.n_streamed() > 0) {
    progress.note(stream_note(needs, plan, space, weights.stream->measure_bus(), what, room.name));
  }
  return std::make_unique<DeviceDecoder>(config, arithmetic, std::move(weights), device, pool);
}

}  // namespace nibble::model
