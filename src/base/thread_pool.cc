#include "base/thread_pool.h"

#include <sched.h>

#include <atomic>
#include <cstdint>
#include <exception>
#include <thread>
#include <vector>

namespace nibble {
namespace {

/// Spins before sleeping: about 20 microseconds, longer than the gap between two kernels of one
/// layer.
constexpr int kSpins = 400;

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

  std::atomic<std::uint32_t> round{0};    // raised once for each run
  std::atomic<std::uint32_t> running{0};  // workers that have not finished the current round
  std::atomic<std::size_t> next{0};
  std::size_t n_tasks = 0;
  const Task* task = nullptr;
  std::atomic<bool> stop{false};
  std::atomic<bool> failed{false};
  std::exception_ptr error;
  std::vector<std::thread> threads;

  void work(std::size_t worker) {
    try {
      for (std::size_t i = next.fetch_add(1, std::memory_order_relaxed); i < n_tasks;
           i = next.fetch_add(1, std::memory_order_relaxed)) {
        (*task)(i, worker);
      }
    } catch (...) {
      if (!failed.exchange(true)) {
        error = std::current_exception();
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
      if (running.fetch_sub(1, std::memory_order_acq_rel) == 1) {
        running.notify_one();
      }
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
  Shared& s = *shared_;
  s.task = &f;
  s.n_tasks = n_tasks;
  s.failed = false;
  s.error = nullptr;
  s.next.store(0, std::memory_order_relaxed);
  s.running.store(static_cast<std::uint32_t>(n_threads_ - 1), std::memory_order_relaxed);
  s.round.fetch_add(1, std::memory_order_release);
  s.round.notify_all();
  s.work(0);
  for (std::uint32_t left = s.running.load(std::memory_order_acquire); left != 0;
       left = s.running.load(std::memory_order_acquire)) {
    wait_for_change(s.running, left);
  }
  if (s.error) {
    std::rethrow_exception(s.error);
  }
}

}  // namespace nibble
