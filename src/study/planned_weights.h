/// The hash of the source's weights for a plan that nothing is run of, without reading them.
///
/// To hash weights of many gigabytes takes minutes, and a plan wants their hash only to find what
/// is stored already. Where the reference of such a store has as many bytes as the model's files
/// have, the store's hash is believed; otherwise the weights are read. A run always reads them, and
/// refuses others than the store's.
///
/// Errors     those of the store
/// Source     our own
#pragma once

#include <filesystem>
#include <span>
#include <string>

#include "io/checkpoint.h"

namespace nibble::study {

struct PlannedWeights {
  std::string hash;  ///< no hash of anything where nothing is stored
  std::string note;  ///< for people: where it is from; "" where the weights were read
};

/// `stores` need not exist; the first that does counts.
PlannedWeights planned_weights(const io::Checkpoint& checkpoint,
                               std::span<const std::filesystem::path> stores);

}  // namespace nibble::study
