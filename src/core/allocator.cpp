#include "keel/core/allocator.h"

#include <algorithm>
#include <bit>
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

class Cache {
 public:
  std::byte* take(std::size_t size) {
    const std::lock_guard lock(mutex_);
    std::byte* block = nullptr;
    if (auto found = free_.find(size); found != free_.end() && !found->second.empty()) {
      block = found->second.back();
      found->second.pop_back();
      statistics_.bytes_cached -= size;
    } else {
      block = static_cast<std::byte*>(::operator new(size, std::align_val_t(kAlignment)));
      ++statistics_.system_allocations;
    }
    statistics_.bytes_in_use += size;
    statistics_.peak_bytes =
        std::max(statistics_.peak_bytes, statistics_.bytes_in_use + statistics_.bytes_cached);
    return block;
  }

  void give_back(std::byte* block, std::size_t size) noexcept {
    const std::lock_guard lock(mutex_);
    statistics_.bytes_in_use -= size;
    try {
      free_[size].push_back(block);
      statistics_.bytes_cached += size;
    } catch (const std::bad_alloc&) {
      ::operator delete(block, std::align_val_t(kAlignment));
    }
  }

  void release() {
    const std::lock_guard lock(mutex_);
    for (auto& [size, blocks] : free_) {
      for (std::byte* block : blocks) ::operator delete(block, std::align_val_t(kAlignment));
    }
    free_.clear();
    statistics_.bytes_cached = 0;
  }

  AllocatorStatistics statistics() {
    const std::lock_guard lock(mutex_);
    return statistics_;
  }

 private:
  std::mutex mutex_;
  std::map<std::size_t, std::vector<std::byte*>> free_;
  AllocatorStatistics statistics_;
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
