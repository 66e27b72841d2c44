#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <numeric>
#include <stdexcept>
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
