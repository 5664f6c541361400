#include "kernels/dispatch/pool.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <numeric>
#include <thread>
#include <vector>

namespace keel::kernels {
namespace {

// Each chunk counts its calls, without protection: two threads in one chunk are a race.
void run_and_expect_each_once(Pool& pool, std::int64_t chunks, int threads) {
  std::vector<int> calls(static_cast<std::size_t>(chunks), 0);
  pool.run(chunks, threads, calls.data(),
           [](void* context, std::int64_t chunk) { ++static_cast<int*>(context)[chunk]; });
  EXPECT_EQ(std::count(calls.begin(), calls.end(), 1), chunks);
}

TEST(Pool, RunsEachChunkOnce) {
  Pool pool;
  for (const int threads : {1, 2, 4}) {
    for (const std::int64_t chunks : {1, 2, 3, 7, 1000}) run_and_expect_each_once(pool, chunks, threads);
  }
}

TEST(Pool, LoopsFollowEachOtherClosely) {
  Pool pool;
  for (int loop = 0; loop < 20000; ++loop) run_and_expect_each_once(pool, 1 + loop % 5, 3);
}

TEST(Pool, WakesWorkersThatHaveGoneToSleep) {
  Pool pool;
  for (int loop = 0; loop < 5; ++loop) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    // Chunks that wait for each other: all three threads must come.
    std::atomic<int> arrived = 0;
    pool.run(3, 3, &arrived, [](void* context, std::int64_t) {
      std::atomic<int>& count = *static_cast<std::atomic<int>*>(context);
      ++count;
      while (count < 3) std::this_thread::yield();
    });
    EXPECT_EQ(arrived, 3);
  }
}

TEST(Pool, WaitsForAChunkThatTakesLong) {
  Pool pool;
  std::atomic<int> done = 0;
  pool.run(2, 2, &done, [](void* context, std::int64_t) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    ++*static_cast<std::atomic<int>*>(context);
  });
  EXPECT_EQ(done, 2);
}

TEST(Pool, TellsWhetherAThreadIsInside) {
  Pool pool;
  EXPECT_FALSE(Pool::inside());
  std::vector<char> inside(64, 0);
  pool.run(64, 3, inside.data(), [](void* context, std::int64_t chunk) {
    static_cast<char*>(context)[chunk] = Pool::inside() ? 1 : 0;
  });
  EXPECT_EQ(std::accumulate(inside.begin(), inside.end(), 0), 64);
  EXPECT_FALSE(Pool::inside());
}

TEST(Pool, SeveralSideBySide) {
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 3; ++caller) {
    callers.emplace_back([] {
      Pool pool;
      for (int loop = 0; loop < 2000; ++loop) run_and_expect_each_once(pool, 8, 2);
    });
  }
  for (std::thread& caller : callers) caller.join();
}

}  // namespace
}  // namespace keel::kernels
