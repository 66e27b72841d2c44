#include "base/thread_pool.h"

#include <sched.h>

#include <atomic>
#include <cstdint>
#include <exception>
#include <limits>
#include <thread>
#include <vector>

#include "base/check.h"

namespace nibble {
namespace {

/// Spins before sleeping: about 20 microseconds, longer than the gap between two kernels of one
/// layer.
constexpr int kSpins = 400;
constexpr std::size_t kCacheLine = 64;

void pause_cpu() noexcept {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

/// Returns once `*value` differs from `old`.
void wait_for_change(const std::atomic<std::uint32_t>& value, std::uint32_t old) noexcept {
  for (int i = 0; i < kSpins; ++i) {
    if (value.load(std::memory_order_acquire) != old) {
      return;
    }
    pause_cpu();
  }
  value.wait(old, std::memory_order_acquire);
}

}  // namespace

std::size_t usable_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) {
    return static_cast<std::size_t>(CPU_COUNT(&set));
  }
  return std::max<std::size_t>(1, std::thread::hardware_concurrency());
}

struct ThreadPool::Shared {
  using Task = FunctionRef<void(std::size_t, std::size_t)>;

  /// What the current run has not handed out yet. A task is taken by lowering it, so whoever takes
  /// one knows that the run cannot end, and `task` cannot change, before the task is done; a thread
  /// that wakes up late takes nothing or joins whatever run there is by then.
  alignas(kCacheLine) std::atomic<std::uint32_t> waiting{0};
  alignas(kCacheLine) std::atomic<std::uint32_t> unfinished{0};  // handed out or waiting
  alignas(kCacheLine) std::atomic<std::uint32_t> round{0};  // raised by each run; sleepers watch it
  std::uint32_t n_tasks = 0;
  const Task* task = nullptr;
  std::atomic<bool> stop{false};
  std::atomic<bool> failed{false};
  std::exception_ptr error;
  std::vector<std::thread> threads;

  /// Takes a task: the number of those that waited, this one included; 0 when there was none.
  std::uint32_t take() noexcept {
    std::uint32_t n = waiting.load(std::memory_order_acquire);
    while (n != 0 && !waiting.compare_exchange_weak(
                         n, n - 1, std::memory_order_acq_rel, std::memory_order_acquire)) {
    }
    return n;
  }

  void run_one(std::size_t index, std::size_t worker) {
    if (failed.load(std::memory_order_relaxed)) {
      return;
    }
    try {
      (*task)(index, worker);
    } catch (...) {
      if (!failed.exchange(true)) {
        error = std::current_exception();
      }
    }
  }

  void work(std::size_t worker) {
    for (std::uint32_t n = take(); n != 0; n = take()) {
      run_one(n_tasks - n, worker);
      if (unfinished.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        unfinished.notify_one();
      }
    }
  }

  void loop(std::size_t worker) {
    std::uint32_t seen = 0;
    for (;;) {
      wait_for_change(round, seen);
      seen = round.load(std::memory_order_acquire);
      if (stop.load(std::memory_order_acquire)) {
        return;
      }
      work(worker);
    }
  }

  void wait_until_finished() noexcept {
    for (std::uint32_t left = unfinished.load(std::memory_order_acquire); left != 0;
         left = unfinished.load(std::memory_order_acquire)) {
      wait_for_change(unfinished, left);
    }
  }
};

ThreadPool::ThreadPool(std::size_t n_threads)
    : n_threads_(n_threads == 0 ? usable_processors() : n_threads),
      shared_(std::make_unique<Shared>()) {
  for (std::size_t worker = 1; worker < n_threads_; ++worker) {
    shared_->threads.emplace_back([shared = shared_.get(), worker] { shared->loop(worker); });
  }
}

ThreadPool::~ThreadPool() {
  shared_->stop = true;
  shared_->round.fetch_add(1, std::memory_order_release);
  shared_->round.notify_all();
  for (std::thread& thread : shared_->threads) {
    thread.join();
  }
}

void ThreadPool::run(std::size_t n_tasks, FunctionRef<void(std::size_t, std::size_t)> f) {
  if (n_tasks == 0) {
    return;
  }
  if (n_threads_ == 1 || n_tasks == 1) {
    for (std::size_t i = 0; i < n_tasks; ++i) {
      f(i, 0);
    }
    return;
  }
  NIBBLE_CHECK(n_tasks <= std::numeric_limits<std::uint32_t>::max(), "ThreadPool: too many tasks");
  Shared& s = *shared_;
  s.task = &f;
  s.n_tasks = static_cast<std::uint32_t>(n_tasks);
  s.failed = false;
  s.error = nullptr;
  s.unfinished.store(s.n_tasks, std::memory_order_relaxed);
  s.waiting.store(s.n_tasks, std::memory_order_release);
  s.round.fetch_add(1, std::memory_order_release);
  s.round.notify_all();
  s.work(0);
  s.wait_until_finished();
  if (s.error) {
    std::rethrow_exception(s.error);
  }
}

}  // namespace nibble
