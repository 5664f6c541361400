#include "keel/core/allocator.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <map>
#include <mutex>
#include <new>
#include <vector>

namespace keel {
namespace {

// Sizes are rounded up to one of eight steps between two powers of two, so that slightly different sizes (the
// last batch of an epoch) share blocks while at most an eighth is wasted.
std::size_t rounded(std::size_t bytes) {
  bytes = std::max(bytes, kAlignment);
  const std::size_t step = std::max(std::bit_floor(bytes) / 8, kAlignment);
  const std::size_t up = bytes + step - 1;
  if (up < bytes) throw std::bad_alloc();
  return up / step * step;
}

constexpr std::size_t kSmallestCacheLimit = std::size_t{256} << 20;

class Cache {
 public:
  std::byte* take(std::size_t size) {
    const std::lock_guard lock(mutex_);
    std::byte* block = nullptr;
    if (auto found = free_.find(size); found != free_.end() && !found->second.empty()) {
      block = found->second.back().bytes;
      found->second.pop_back();
      statistics_.bytes_cached -= size;
    } else {
      block = from_system(size);
      ++statistics_.system_allocations;
    }
    statistics_.bytes_in_use += size;
    statistics_.peak_bytes =
        std::max(statistics_.peak_bytes, statistics_.bytes_in_use + statistics_.bytes_cached);
    statistics_.cache_limit = std::max(statistics_.cache_limit, 2 * statistics_.bytes_in_use);
    return block;
  }

  void give_back(std::byte* block, std::size_t size) noexcept {
    const std::lock_guard lock(mutex_);
    statistics_.bytes_in_use -= size;
    try {
      free_[size].push_back({block, ++returned_});
    } catch (const std::bad_alloc&) {
      to_system(block);
      return;
    }
    statistics_.bytes_cached += size;
    while (statistics_.bytes_cached > statistics_.cache_limit) release_oldest();
  }

  void release() noexcept {
    const std::lock_guard lock(mutex_);
    release_all();
  }

  AllocatorStatistics statistics() {
    const std::lock_guard lock(mutex_);
    return statistics_;
  }

 private:
  struct Block {
    std::byte* bytes;
    std::uint64_t returned;  // higher numbers later
  };
  using Blocks = std::vector<Block>;  // of one size, in the order of their return

  std::byte* from_system(std::size_t size) {
    try {
      return static_cast<std::byte*>(::operator new(size, std::align_val_t(kAlignment)));
    } catch (const std::bad_alloc&) {
      release_all();
    }
    return static_cast<std::byte*>(::operator new(size, std::align_val_t(kAlignment)));
  }

  static void to_system(std::byte* block) noexcept { ::operator delete(block, std::align_val_t(kAlignment)); }

  void release_all() noexcept {
    for (const auto& [size, blocks] : free_) {
      for (const Block& block : blocks) to_system(block.bytes);
    }
    free_.clear();
    statistics_.bytes_cached = 0;
  }

  // There are few sizes: eight for each power of two.
  void release_oldest() noexcept {
    auto oldest = free_.end();
    for (auto size = free_.begin(); size != free_.end(); ++size) {
      if (size->second.empty()) continue;
      if (oldest == free_.end() || size->second.front().returned < oldest->second.front().returned) {
        oldest = size;
      }
    }
    to_system(oldest->second.front().bytes);
    statistics_.bytes_cached -= oldest->first;
    oldest->second.erase(oldest->second.begin());
  }

  std::mutex mutex_;
  std::map<std::size_t, Blocks> free_;
  std::uint64_t returned_ = 0;
  AllocatorStatistics statistics_{.cache_limit = kSmallestCacheLimit};
};

// Never destroyed: tensors with static storage duration may outlive any order of destruction.
Cache& cache() {
  static Cache* const instance = new Cache;
  return *instance;
}

}  // namespace

std::shared_ptr<std::byte> allocate(std::size_t bytes) {
  const std::size_t size = rounded(bytes);
  return {cache().take(size), [size](std::byte* block) { cache().give_back(block, size); }};
}

AllocatorStatistics allocator_statistics() { return cache().statistics(); }

void release_cached_memory() { cache().release(); }

}  // namespace keel
