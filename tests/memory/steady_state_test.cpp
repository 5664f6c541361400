// What a training step asks of the system once its sizes have come by: nothing. This program counts every
// request to the heap of a page or more.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

#include "keel/core/allocator.h"
#include "support/threads.h"
#include "support/training.h"

namespace {

constexpr std::size_t kLarge = 4096;  // bytes
std::atomic<std::size_t> large_requests = 0;

void* counted(std::size_t bytes, std::size_t alignment) {
  if (bytes >= kLarge) ++large_requests;
  const std::size_t rounded = (std::max<std::size_t>(bytes, 1) + alignment - 1) / alignment * alignment;
  void* const memory = std::aligned_alloc(alignment, rounded);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

// Not inlined: gcc would warn that what a constructor's new gave goes to free().
#define KEEL_NOT_INLINED __attribute__((noinline))
KEEL_NOT_INLINED void* operator new(std::size_t bytes) {
  return counted(bytes, __STDCPP_DEFAULT_NEW_ALIGNMENT__);
}
KEEL_NOT_INLINED void* operator new(std::size_t bytes, std::align_val_t alignment) {
  return counted(bytes, static_cast<std::size_t>(alignment));
}
KEEL_NOT_INLINED void operator delete(void* memory) noexcept { std::free(memory); }
KEEL_NOT_INLINED void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
KEEL_NOT_INLINED void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
KEEL_NOT_INLINED void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

namespace keel {
namespace {

using testing::Training;
using testing::TrainingRecipe;

TrainingRecipe mlp_recipe() {
  return {.model = {.batch_norm = true, .dropout = 0.3}, .examples = 9 * 32 + 7, .batch_size = 32};
}
TrainingRecipe cnn_recipe() {
  return {.cnn = true, .model = {.batch_norm = true, .dropout = 0.3}, .examples = 3 * 8 + 5, .batch_size = 8};
}

TEST(SteadyState, TheCountersCount) {
  const std::size_t requests = large_requests, allocations = allocator_statistics().system_allocations;
  release_cached_memory();
  { const Tensor fresh = Tensor::empty({1024}); }
  EXPECT_EQ(large_requests - requests, 1U);
  EXPECT_EQ(allocator_statistics().system_allocations - allocations, 1U);
  { const Tensor reused = Tensor::empty({1024}); }
  EXPECT_EQ(large_requests - requests, 1U);
  ::operator delete(::operator new(kLarge));
  EXPECT_EQ(large_requests - requests, 2U);
}

// One epoch, its smaller last batch included, is all the warming up there is.
void expect_no_requests_after_an_epoch(const TrainingRecipe& recipe, int threads) {
  SCOPED_TRACE(threads);
  const testing::ThreadsGuard guard(threads);
  Training training(recipe);
  training.epoch();
  const std::size_t requests = large_requests, allocations = allocator_statistics().system_allocations;
  training.epoch();
  training.epoch();
  EXPECT_EQ(allocator_statistics().system_allocations - allocations, 0U);
  EXPECT_EQ(large_requests - requests, 0U);
}

TEST(SteadyState, AnMlpStepAsksTheSystemForNothing) {
  for (const int threads : {1, 2}) expect_no_requests_after_an_epoch(mlp_recipe(), threads);
}

TEST(SteadyState, ACnnStepAsksTheSystemForNothing) {
  for (const int threads : {1, 2}) expect_no_requests_after_an_epoch(cnn_recipe(), threads);
}

// A leak of one small tensor a step would show.
TEST(SteadyState, MemoryInUseStaysWhatItIs) {
  TrainingRecipe small_cnn = cnn_recipe();
  small_cnn.model.input = {8, 8, 1};
  for (const TrainingRecipe& recipe : {mlp_recipe(), small_cnn}) {
    SCOPED_TRACE(recipe.cnn ? "cnn" : "mlp");
    const std::size_t before = allocator_statistics().bytes_in_use;
    {
      Training training(recipe);
      training.step();
      const AllocatorStatistics first = allocator_statistics();
      for (int step = 2; step <= 300; ++step) {
        training.step();
        ASSERT_EQ(allocator_statistics().bytes_in_use, first.bytes_in_use) << "step " << step;
      }
    }
    EXPECT_EQ(allocator_statistics().bytes_in_use, before);
  }
}

}  // namespace
}  // namespace keel
