#include "keel/core/allocator.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>
#include <cstring>
#include <fstream>
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
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer ends the program at a request this large";
#endif
  const std::size_t before = allocator_statistics().bytes_in_use;
  EXPECT_THROW(allocate(std::size_t{1} << 60), std::bad_alloc);
  EXPECT_EQ(allocator_statistics().bytes_in_use, before);
}

TEST(Allocator, TheCacheIsBoundedAndKeepsWhatWasReturnedLast) {
  release_cached_memory();
  const std::size_t limit = allocator_statistics().cache_limit;
  EXPECT_GE(limit, std::size_t{256} << 20);
  // Eight sizes, together 11.5 / 8 of the limit or more, none of which is large enough to raise it.
  const std::size_t smallest = std::bit_floor(limit) / 4;
  for (std::size_t k = 0; k < 8; ++k) {
    { allocate(smallest + k * smallest / 8); }
    EXPECT_LE(allocator_statistics().bytes_cached, limit);
  }
  ASSERT_EQ(allocator_statistics().cache_limit, limit);
  EXPECT_GT(allocator_statistics().bytes_cached, limit / 2);
  const std::size_t before = allocator_statistics().system_allocations;
  { allocate(smallest + 7 * smallest / 8); }
  EXPECT_EQ(allocator_statistics().system_allocations, before);
  { allocate(smallest); }
  EXPECT_EQ(allocator_statistics().system_allocations, before + 1);
  release_cached_memory();
}

TEST(Allocator, TheCacheMayHoldTwiceWhatWasInUse) {
  const std::size_t bytes = allocator_statistics().cache_limit / 2 / 8 * 9;
  const auto block = allocate(bytes);
  EXPECT_EQ(allocator_statistics().cache_limit, 2 * allocator_statistics().bytes_in_use);
  EXPECT_GE(allocator_statistics().cache_limit, 2 * bytes);
}

// The limit of the address space, for a scope, to what is used now and some more.
class AddressSpaceLimit {
 public:
  explicit AddressSpaceLimit(std::size_t more) {
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    getrlimit(RLIMIT_AS, &before_);
    const rlimit limit{pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) + more, before_.rlim_max};
    set_ = pages > 0 && setrlimit(RLIMIT_AS, &limit) == 0;
  }
  ~AddressSpaceLimit() { setrlimit(RLIMIT_AS, &before_); }
  AddressSpaceLimit(const AddressSpaceLimit&) = delete;
  AddressSpaceLimit& operator=(const AddressSpaceLimit&) = delete;
  bool set() const { return set_; }

 private:
  rlimit before_{};
  bool set_ = false;
};

TEST(Allocator, GivesUpTheCacheBeforeARequestFails) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "a sanitizer's own memory does not fit a limit of the address space";
#endif
  release_cached_memory();
  const std::size_t mebibyte = std::size_t{1} << 20;
  { allocate(128 * mebibyte); }
  ASSERT_EQ(allocator_statistics().bytes_cached, 128 * mebibyte);
  const AddressSpaceLimit limit(16 * mebibyte);
  if (!limit.set()) GTEST_SKIP() << "the address space cannot be limited here";
  const std::size_t in_use = allocator_statistics().bytes_in_use;
  EXPECT_THROW(allocate(1024 * mebibyte), std::bad_alloc);  // too much even so
  EXPECT_EQ(allocator_statistics().bytes_cached, 0U);
  EXPECT_EQ(allocator_statistics().bytes_in_use, in_use);
  { allocate(128 * mebibyte); }
  // Another size than the cached one, which fits the limit only in its place.
  const auto block = allocate(96 * mebibyte);
  EXPECT_EQ(allocator_statistics().bytes_cached, 0U);
  EXPECT_EQ(allocator_statistics().bytes_in_use, in_use + 96 * mebibyte);
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
