// The same training with 1, 2 and 4 threads: every bit of its state.
#include <gtest/gtest.h>

#include <cstring>

#include "support/threads.h"
#include "support/training.h"

namespace keel {
namespace {

using testing::Training;
using testing::TrainingRecipe;

// Two epochs, of full batches and a smaller one.
std::vector<std::byte> state_after(const TrainingRecipe& recipe, int threads) {
  const testing::ThreadsGuard guard(threads);
  Training training(recipe);
  training.epoch();
  training.epoch();
  return training.state();
}

void expect_same_bits(const TrainingRecipe& recipe) {
  const std::vector<std::byte> one = state_after(recipe, 1);
  for (const int threads : {2, 4}) {
    SCOPED_TRACE(threads);
    const std::vector<std::byte> several = state_after(recipe, threads);
    ASSERT_EQ(several.size(), one.size());
    EXPECT_EQ(std::memcmp(several.data(), one.data(), one.size()), 0);
  }
}

// Batches large enough that every loop of a step is cut into several chunks and shared.
const Index kMlpBatch = 1024, kCnnBatch = 32;

TEST(SameBits, Mlp) {
  for (const nn::NormPosition position :
       {nn::NormPosition::before_activation, nn::NormPosition::after_activation}) {
    expect_same_bits({.model = {.batch_norm = true, .norm_position = position, .dropout = 0.3},
                      .examples = 2 * kMlpBatch + 100,
                      .batch_size = kMlpBatch});
  }
}

TEST(SameBits, MlpWithoutNorm) {
  expect_same_bits({.model = {.dropout = 0.3}, .examples = 2 * kMlpBatch + 100, .batch_size = kMlpBatch});
}

TEST(SameBits, Cnn) {
  for (const nn::NormPosition position :
       {nn::NormPosition::before_activation, nn::NormPosition::after_activation}) {
    expect_same_bits({.cnn = true,
                      .model = {.batch_norm = true, .norm_position = position, .dropout = 0.3},
                      .examples = kCnnBatch + 5,
                      .batch_size = kCnnBatch});
  }
}

TEST(SameBits, CnnWithoutNorm) {
  expect_same_bits(
      {.cnn = true, .model = {.dropout = 0.3}, .examples = kCnnBatch + 5, .batch_size = kCnnBatch});
}

}  // namespace
}  // namespace keel
