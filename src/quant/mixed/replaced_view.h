/// A checkpoint in which some weights are others, for looking at what one of them does.
///
/// Names are canonical, as of a Hugging Face folder; everything else is the source's.
///
/// Errors     those of the source
/// Source     our own
#pragma once

#include <map>
#include <memory>
#include <string>

#include "codec/codec.h"
#include "io/checkpoint.h"
#include "model/config.h"

namespace nibble::quant {

using ReplacedWeights = std::map<std::string, codec::EncodedMatrix, std::less<>>;

/// Borrows all three.
std::unique_ptr<io::Checkpoint> replaced_view(const io::Checkpoint& source,
                                              const model::ModelConfig& config,
                                              const ReplacedWeights& replaced);

}  // namespace nibble::quant
