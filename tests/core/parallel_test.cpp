#include "keel/core/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "support/errors.h"
#include "support/threads.h"

namespace keel {
namespace {

using testing::message_of;
using testing::ThreadsGuard;

using Cuts = std::set<std::pair<Index, Index>>;

Cuts cuts(Index n, Index chunk) {
  Cuts result;
  std::mutex mutex;
  parallel_for(n, chunk, [&](Index begin, Index end) {
    const std::lock_guard lock(mutex);
    EXPECT_TRUE(result.emplace(begin, end).second) << "the chunk from " << begin << " ran twice";
  });
  return result;
}

TEST(ParallelFor, CutsByTheSizesAloneWhateverTheThreads) {
  const Cuts expected = {{0, 4}, {4, 8}, {8, 12}, {12, 16}, {16, 17}};
  for (const int threads : {1, 2, 3, 8}) {
    const ThreadsGuard guard(threads);
    EXPECT_EQ(num_threads(), threads);
    EXPECT_EQ(cuts(17, 4), expected) << threads << " threads";
  }
}

TEST(ParallelFor, CoversEveryIndexOnce) {
  const ThreadsGuard guard(3);
  for (const Index n : {0, 1, 3, 17, 1000}) {
    for (const Index chunk : {1, 7, 1000, 5000}) {
      std::vector<std::atomic<int>> visits(static_cast<std::size_t>(n));
      parallel_for(n, chunk, [&](Index begin, Index end) {
        EXPECT_LE(end - begin, chunk);
        for (Index i = begin; i < end; ++i) ++visits[static_cast<std::size_t>(i)];
      });
      for (const auto& count : visits) ASSERT_EQ(count, 1) << n << " in chunks of " << chunk;
    }
  }
}

TEST(ParallelFor, AChunkAsLargeAsAnIndexCanBeIsOneChunk) {
  EXPECT_EQ(cuts(10, INT64_MAX), (Cuts{{0, 10}}));
  EXPECT_EQ(cuts(0, INT64_MAX), Cuts{});
}

TEST(ParallelFor, UsesSeveralThreads) {
  const ThreadsGuard guard(2);
  std::set<std::thread::id> ids;
  std::mutex mutex;
  std::atomic<int> waiting = 0;
  // Each of two chunks waits for the other: only two threads can finish this. A deadline instead of a hang.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  parallel_for(2, 1, [&](Index, Index) {
    ++waiting;
    while (waiting < 2 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    const std::lock_guard lock(mutex);
    ids.insert(std::this_thread::get_id());
  });
  EXPECT_EQ(ids.size(), 2U);
}

TEST(ParallelFor, TheExceptionOfTheLowestChunkComesThroughWhenAllHaveEnded) {
  for (const int threads : {1, 3}) {
    const ThreadsGuard guard(threads);
    std::atomic<int> ended = 0;
    const auto loop = [&] {
      parallel_for(10, 1, [&](Index begin, Index) {
        ++ended;
        if (begin == 3 || begin == 4 || begin == 9) throw std::runtime_error(fmt::format("chunk {}", begin));
      });
    };
    EXPECT_EQ(message_of<std::runtime_error>(loop), "chunk 3") << threads << " threads";
    EXPECT_EQ(ended, 10) << threads << " threads";
  }
}

TEST(ParallelFor, ALoopInsideALoopRunsAndCoversAll) {
  const ThreadsGuard guard(3);
  std::atomic<Index> sum = 0;
  parallel_for(6, 1, [&](Index i, Index) {
    parallel_for(50, 7, [&](Index begin, Index end) {
      for (Index k = begin; k < end; ++k) sum += 100 * i + k;
    });
  });
  EXPECT_EQ(sum, 50 * 100 * (0 + 1 + 2 + 3 + 4 + 5) + 6 * (49 * 50 / 2));
}

TEST(ParallelFor, TheNumberOfThreadsHoldsInEveryThread) {
  const ThreadsGuard guard(5);
  int seen = 0;
  std::thread([&] { seen = num_threads(); }).join();
  EXPECT_EQ(seen, 5);
}

TEST(ParallelFor, RejectsAChunkAndAThreadCountBelowOne) {
  EXPECT_EQ(message_of<ValueError>([] { parallel_for(3, 0, [](Index, Index) {}); }),
            "[parallel_for] expected chunks of at least 1, found 0");
  EXPECT_EQ(message_of<ValueError>([] { set_num_threads(0); }),
            "[set_num_threads] expected at least 1 thread, found 0");
}

}  // namespace
}  // namespace keel
