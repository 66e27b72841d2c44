/// From a checkpoint to a decoder on a GPU.
///
/// What it takes of the device is counted before work begins. Layers that do not fit stay in the
/// host's memory (stream_plan.h), which a note says with the numbers.
///
/// Errors     those of build_model and Device; kOutOfMemory before work begins when the device has
///            no room for what cannot stay in the host's memory, or the host none for the layers
/// Source     our own
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/progress.h"
#include "model/language_model.h"

namespace nibble::model {

/// Which device, and how much of it.
struct DeviceRoom {
  std::string name;              ///< "cuda:0"
  std::size_t memory_bytes = 0;  ///< that this process may have; 0: all of it
};

/// Throws Error.
std::unique_ptr<LanguageModel> build_device_model(const io::Checkpoint& checkpoint,
                                                  const ModelConfig& config,
                                                  Arithmetic arithmetic,
                                                  const DeviceRoom& room,
                                                  ThreadPool& pool,
                                                  ProgressSink& progress);

}  // namespace nibble::model
