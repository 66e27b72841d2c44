#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <vector>

namespace nibble {
namespace {

TEST(ThreadPool, RunsEachTaskOnceOnAKnownWorker) {
  for (const std::size_t n_threads : {1U, 2U, 5U}) {
    ThreadPool pool(n_threads);
    EXPECT_EQ(pool.size(), n_threads);
    std::vector<std::atomic<int>> seen(1000);
    pool.run(seen.size(), [&](std::size_t task, std::size_t worker) {
      EXPECT_LT(worker, n_threads);
      seen[task].fetch_add(1);
    });
    for (const auto& count : seen) {
      EXPECT_EQ(count.load(), 1);
    }
  }
}

TEST(ThreadPool, ManyShortRunsNeverLoseATask) {
  ThreadPool pool(3);
  std::atomic<std::size_t> total{0};
  for (std::size_t round = 0; round < 20000; ++round) {
    pool.run(4, [&](std::size_t task, std::size_t) { total.fetch_add(task); });
  }
  EXPECT_EQ(total.load(), 20000U * 6U);
}

TEST(ThreadPool, RunsOfManySizesFollowEachOtherWithoutMixing) {
  // A thread that is late for one run may take part in the next, and must do that one's tasks.
  ThreadPool pool(4);
  for (std::size_t round = 0; round < 5000; ++round) {
    const std::size_t n_tasks = round % 7;
    std::vector<std::atomic<std::size_t>> done(n_tasks);
    pool.run(n_tasks, [&](std::size_t task, std::size_t) { done.at(task) += round + 1; });
    for (const auto& value : done) {
      ASSERT_EQ(value.load(), round + 1);
    }
  }
}

TEST(ThreadPool, OneTaskMayWaitForAnother) {
  // A slow thread holds its own task only: the others are done meanwhile.
  ThreadPool pool(2);
  std::atomic<int> n_done{0};
  pool.run(50, [&](std::size_t task, std::size_t) {
    if (task == 0) {
      while (n_done.load() < 49) {
        std::this_thread::yield();
      }
    }
    ++n_done;
  });
  EXPECT_EQ(n_done.load(), 50);
}

TEST(ThreadPool, NoTasksIsNoWork) {
  ThreadPool pool(2);
  pool.run(0, [](std::size_t, std::size_t) { FAIL(); });
}

TEST(ThreadPool, RethrowsAndStaysUsable) {
  ThreadPool pool(2);
  EXPECT_THROW(pool.run(100,
                        [](std::size_t task, std::size_t) {
                          if (task == 13) {
                            throw std::runtime_error("13");
                          }
                        }),
               std::runtime_error);
  std::atomic<int> n{0};
  pool.run(10, [&](std::size_t, std::size_t) { ++n; });
  EXPECT_EQ(n.load(), 10);
}

TEST(UsableProcessors, IsAtLeastOne) {
  EXPECT_GE(usable_processors(), 1U);
}

}  // namespace
}  // namespace nibble
