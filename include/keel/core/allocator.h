// Memory for tensors: aligned for the widest vectors, and kept for reuse when a tensor dies.
//
// A training step allocates the same sizes again and again; after the first steps every request is met
// from the cache, without a system call or a page fault. The cache is bounded, so that a program whose sizes
// keep changing does not fill the memory with blocks of sizes that never come again; and it is given up
// before a request fails. Thread-safe.
#pragma once

#include <cstddef>
#include <memory>

namespace keel {

inline constexpr std::size_t kAlignment = 64;  // bytes: one cache line, and one 512-bit vector

// At least `bytes` bytes, aligned to kAlignment, contents undefined; returned to the cache with its last
// owner. throws: std::bad_alloc if the system has none, even after all cached memory went back to it.
std::shared_ptr<std::byte> allocate(std::size_t bytes);

struct AllocatorStatistics {
  std::size_t system_allocations = 0;  // requests the cache could not meet, since the program started
  std::size_t bytes_in_use = 0;        // handed out and not yet returned
  std::size_t bytes_cached = 0;        // kept for reuse
  std::size_t peak_bytes = 0;          // the most that in use and cached have been together
  // The most that is kept for reuse: 256 MiB, or twice the most that has been in use if that is more, because
  // blocks of sizes whose turns differ within a step cannot serve each other. Beyond it, the blocks returned
  // the longest time ago go back to the system.
  std::size_t cache_limit = 0;
};
AllocatorStatistics allocator_statistics();

// Gives all cached memory back to the system.
void release_cached_memory();

}  // namespace keel
