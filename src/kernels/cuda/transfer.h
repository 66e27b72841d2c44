/// What host code needs to copy beside the work of a CUDA device, and to know what it took of it:
/// more of the runtime, as a table of functions like that of kernels.h.
///
/// Units      bytes
/// Threads    one host thread a device
/// Errors     nullptr or what CUDA says
/// Source     our own; CUDA Runtime API
#pragma once

#include "kernels/cuda/kernels.h"

namespace nibble::kernels::cuda {

struct Transfer {
  /// What Runtime::allocate gave and was not given back, now and at most since `forget_most`: of
  /// the whole process.
  const char* (*memory_in_use)(std::size_t* now_bytes, std::size_t* most_bytes);
  const char* (*forget_most)();
  /// Memory of the host's own becomes page-locked, and stays the host's.
  const char* (*lock_host)(void* bytes, std::size_t n_bytes);
  const char* (*unlock_host)(void* bytes);
  /// Another queue of the current device; Runtime::close ends it.
  const char* (*make_stream)(Stream* stream);
  const char* (*release_event)(void* event);
  /// What is queued on the stream from now on runs behind what the event was last recorded behind.
  const char* (*wait_event)(void* event, Stream);
};

/// nullptr in a build without CUDA.
const Transfer* transfer() noexcept;

}  // namespace nibble::kernels::cuda
