/// A fixed set of threads that run the tasks of one call at a time.
///
/// `run(n, f)` calls `f(task, worker)` once for each task in [0, n), in no fixed order, spread over
/// the pool; it returns when all are done. Tasks are handed out by an atomic counter, so unequal
/// tasks and slow cores balance out, and a run waits for tasks only, never for threads: one that
/// another process keeps off its core costs nothing unless it holds a task. Waiting threads spin
/// for some microseconds and then sleep in the kernel, so a pool never burns a core while another
/// process needs it.
///
/// Threads    one `run` at a time (callers serialise); the calling thread is worker 0
/// Errors     the first exception thrown by a task is rethrown by `run`, after all tasks have ended
/// Source     our own
#pragma once

#include <cstddef>
#include <memory>

#include "base/function_ref.h"

namespace nibble {

class ThreadPool {
 public:
  /// `n_threads` counts the caller; 0 means one for each processor that this process may use.
  explicit ThreadPool(std::size_t n_threads = 0);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  [[nodiscard]] std::size_t size() const noexcept { return n_threads_; }

  void run(std::size_t n_tasks, FunctionRef<void(std::size_t task, std::size_t worker)> f);

 private:
  struct Shared;
  std::size_t n_threads_;
  std::unique_ptr<Shared> shared_;
};

/// Processors that this process may run on (affinity mask respected).
std::size_t usable_processors();

}  // namespace nibble
