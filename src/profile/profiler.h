/// Everything that is measured of a variant, in one list.
///
///   speed, lengths, batches      measure.h
///   peak_memory                  from loading to the end of speed: one request at a time
///   peak_device_memory           the same of a device that runs the model
///   host_weights                 of such a model: weights that are copied for every pass, which
///                                peak_memory holds
///   energy, idle_power           energy/measure_energy.h
///   prompt_, generated_tokens    of one request; the first new token is one of them
///   prefill_flop, decode_flop    flops.h; of the prompt, and of a token amid the new ones
///   decode_bytes, kv_bytes       read for such a token; held for prompt and new tokens
///   peak_read, peak_int8, …      the machine's own limits, measured once for all variants
///   clock_*, temperature_*       before and after; throttled: events in between
///
/// Units      as each row says
/// Errors     those of measuring; what a machine does not tell has a reason and no value
/// Source     our own
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "profile/measure.h"

namespace nibble::profile {

/// A loaded model, and what a decoded token does not read of it.
struct Subject {
  model::LoadedModel& loaded;
  std::size_t embedding_bytes = 0;  ///< 0 where the head is the embedding
  bool peak_is_ours = false;        ///< the memory mark was lowered before loading
};

class Profiler {
 public:
  /// `pool` must outlive the object; `root` stands in for "/" in tests.
  Profiler(ThreadPool& pool, std::string device, std::filesystem::path root = "/");
  ~Profiler();

  std::vector<Measurement> measure(const Subject& subject, const Options& options);

 private:
  struct Instruments;
  void set_up(const Options& options);

  ThreadPool& pool_;
  std::string device_;
  std::filesystem::path root_;
  std::unique_ptr<Instruments> instruments_;
};

/// The sensors of a device as a study's conditions name them, or why there are none.
std::string describe_sensors(const std::string& device, const std::filesystem::path& root = "/");

}  // namespace nibble::profile
