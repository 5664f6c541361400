#include "keel/core/allocator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <thread>
#include <vector>

#include "keel/core/tensor.h"

namespace keel {
namespace {

TEST(Allocator, AlignsEveryBlock) {
  for (const std::size_t bytes : {0, 1, 63, 64, 65, 1000, 4096, 100003}) {
    const auto block = allocate(bytes);
    ASSERT_NE(block, nullptr);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(block.get()) % kAlignment, 0U) << bytes;
    std::memset(block.get(), 0xAB, bytes);  // all of it may be written (a sanitizer build sees an overrun)
  }
}

TEST(Allocator, BlocksInUseDoNotOverlap) {
  // The second time from the cache, until it is empty and beyond.
  for (const int count : {50, 60}) {
    std::vector<std::shared_ptr<std::byte>> blocks;
    for (int i = 0; i < count; ++i) {
      blocks.push_back(allocate(200));
      std::memset(blocks.back().get(), i, 200);
    }
    for (int i = 0; i < count; ++i) {
      for (int k = 0; k < 200; ++k) ASSERT_EQ(blocks[static_cast<std::size_t>(i)].get()[k], std::byte(i));
    }
  }
}

TEST(Allocator, TheSameSizesAgainNeedNothingFromTheSystem) {
  const auto step = [] {
    std::vector<Tensor> tensors;
    for (const Index n : {1, 100, 1000, 4096, 100003}) tensors.push_back(Tensor::empty({n, 3}));
  };
  step();
  const std::size_t before = allocator_statistics().system_allocations;
  for (int i = 0; i < 100; ++i) step();
  EXPECT_EQ(allocator_statistics().system_allocations, before);
  // The counter counts: a size not seen before is a request to the system.
  release_cached_memory();
  step();
  EXPECT_EQ(allocator_statistics().system_allocations, before + 5);
}

TEST(Allocator, ASlightlySmallerRequestReusesTheBlock) {
  // The last batch of an epoch: an eighth of waste at most is allowed for it.
  release_cached_memory();
  { allocate(16 * 1024); }
  const std::size_t before = allocator_statistics().system_allocations;
  { allocate(16 * 1024 - 1000); }
  EXPECT_EQ(allocator_statistics().system_allocations, before);
}

TEST(Allocator, WastesAtMostAnEighth) {
  for (std::size_t bytes = 512; bytes < 300000; bytes = bytes * 9 / 8 + 1) {
    const std::size_t before = allocator_statistics().bytes_in_use;
    const auto block = allocate(bytes);
    const std::size_t taken = allocator_statistics().bytes_in_use - before;
    EXPECT_GE(taken, bytes);
    EXPECT_LE(taken, bytes + bytes / 8) << bytes;
  }
}

TEST(Allocator, StatisticsFollowEveryBlock) {
  release_cached_memory();
  const AllocatorStatistics start = allocator_statistics();
  EXPECT_EQ(start.bytes_cached, 0U);
  {
    const auto a = allocate(1024), b = allocate(2048);
    const AllocatorStatistics now = allocator_statistics();
    EXPECT_EQ(now.bytes_in_use, start.bytes_in_use + 3072);
    EXPECT_EQ(now.system_allocations, start.system_allocations + 2);
    EXPECT_GE(now.peak_bytes, now.bytes_in_use);
  }
  AllocatorStatistics now = allocator_statistics();
  EXPECT_EQ(now.bytes_in_use, start.bytes_in_use);
  EXPECT_EQ(now.bytes_cached, 3072U);
  {
    const auto again = allocate(1024);
    now = allocator_statistics();
    EXPECT_EQ(now.bytes_cached, 2048U);
    EXPECT_EQ(now.bytes_in_use, start.bytes_in_use + 1024);
  }
  // The most that was held together: nothing more than before this block, or these three.
  EXPECT_EQ(allocator_statistics().peak_bytes, std::max(start.peak_bytes, start.bytes_in_use + 3072));
  release_cached_memory();
  EXPECT_EQ(allocator_statistics().bytes_cached, 0U);
}

TEST(Allocator, AHandleKeepsTheBlock) {
  const std::size_t before = allocator_statistics().bytes_in_use;
  auto a = allocate(640);
  auto b = a;
  a.reset();
  EXPECT_EQ(allocator_statistics().bytes_in_use, before + 640);
  b.reset();
  EXPECT_EQ(allocator_statistics().bytes_in_use, before);
}

TEST(Allocator, ASizeBeyondMemoryIsBadAlloc) {
  EXPECT_THROW(allocate(std::numeric_limits<std::size_t>::max()), std::bad_alloc);
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "AddressSanitizer ends the program at a request this large";
#endif
  const std::size_t before = allocator_statistics().bytes_in_use;
  EXPECT_THROW(allocate(std::size_t{1} << 60), std::bad_alloc);
  EXPECT_EQ(allocator_statistics().bytes_in_use, before);
}

TEST(Allocator, ThreadsShareItSafely) {
  const std::size_t in_use = allocator_statistics().bytes_in_use;
  std::atomic<int> damaged = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t, &damaged] {
      for (int i = 0; i < 2000; ++i) {
        const std::size_t bytes = static_cast<std::size_t>(64 * (1 + (i + t) % 7));
        const auto block = allocate(bytes);
        std::memset(block.get(), t, bytes);
        for (std::size_t k = 0; k < bytes; ++k) damaged += block.get()[k] != std::byte(t);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(damaged, 0);
  EXPECT_EQ(allocator_statistics().bytes_in_use, in_use);
}

}  // namespace
}  // namespace keel
