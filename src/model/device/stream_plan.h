/// Which layers of a decoder stay in the memory of a device, and which are copied there from the
/// host's for every pass.
///
///   all fit                          every layer stays
///   else, with the fewest streamed   embedding + head + cache + work + resident layers
///                                    + slots * largest streamed layer <= free
///
/// Streamed layers lie evenly between the others and the last layer is one of them, so that each is
/// on its way while those before it are computed.
///
/// Units      bytes
/// Errors     kOutOfMemory with all numbers where even a device without a resident layer is too
///            small
/// Source     our own; docs/decisions/0041-layers-from-host-memory.md
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace nibble::model {

/// Layers of which each has a place on the device: one is read, the next on its way.
inline constexpr std::size_t kStreamSlots = 2;

/// What a decoder takes of a device.
struct DeviceNeeds {
  std::size_t embedding_bytes = 0;
  std::size_t head_bytes = 0;
  std::size_t cache_bytes = 0;  ///< of keys and values
  std::size_t work_bytes = 0;   ///< of a pass; also what a layer takes while it is packed
  std::vector<std::size_t> layer_bytes;

  /// With all layers.
  [[nodiscard]] std::size_t total_bytes() const;
};

/// What there is of a device.
struct DeviceSpace {
  std::size_t n_bytes = 0;
  bool is_limited = false;  ///< somebody allowed no more, whatever is free
};

struct StreamPlan {
  std::vector<std::uint8_t> is_streamed;  ///< [layers]
  std::size_t slot_bytes = 0;             ///< of each slot; 0: nothing is streamed
  std::size_t streamed_bytes = 0;         ///< copied for a pass, and held by the host
  std::size_t device_bytes = 0;           ///< what is taken of the device, cache and work included

  [[nodiscard]] std::size_t n_streamed() const;
};

/// `n` of `n_layers`, evenly spread, the last among them.
std::vector<std::uint8_t> spread_layers(std::size_t n_layers, std::size_t n);

/// The plan with these layers streamed, whether it fits or not.
StreamPlan plan_of(const DeviceNeeds& needs, std::vector<std::uint8_t> is_streamed);

/// `what` and `device` are for the message: a path and "cuda:0".
Result<StreamPlan> plan_stream(const DeviceNeeds& needs,
                               DeviceSpace space,
                               std::string_view what,
                               std::string_view device);

/// "m.gguf needs 13.5 GiB on cuda:0, 7.9 GiB are free: 14 of 32 layers stay in host memory and are
/// copied for every pass (5.8 GiB at 52.1 GB/s: 0.12 s)".
std::string stream_note(const DeviceNeeds& needs,
                        const StreamPlan& plan,
                        DeviceSpace space,
                        double bytes_per_second,
                        std::string_view what,
                        std::string_view device);

}  // namespace nibble::model
