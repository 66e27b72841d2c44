/// From a checkpoint to a decoder on a GPU.
///
/// Errors     those of build_model and Device; kOutOfMemory before work begins when the weights do
///            not fit the device: "needs 13.5 GiB on cuda:0, 7.9 GiB are free"
/// Source     our own
#pragma once

#include <memory>
#include <string>

#include "base/progress.h"
#include "model/language_model.h"

namespace nibble::model {

/// `device` names one: "cuda:0". Throws Error.
std::unique_ptr<LanguageModel> build_device_model(const io::Checkpoint& checkpoint,
                                                  const ModelConfig& config,
                                                  Arithmetic arithmetic,
                                                  const std::string& device,
                                                  ThreadPool& pool,
                                                  ProgressSink& progress);

}  // namespace nibble::model
