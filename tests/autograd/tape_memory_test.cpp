// What the tape holds, and when it lets go of it.
#include <gtest/gtest.h>

#include "keel/autograd/variable.h"
#include "keel/core/allocator.h"
#include "keel/ops/arithmetic.h"
#include "keel/ops/elementwise.h"
#include "keel/ops/reduction.h"

namespace keel {
namespace {

std::size_t in_use() { return allocator_statistics().bytes_in_use; }

// More than a step of the allocator's rounding, so that every tensor counts.
Variable large_leaf() { return Variable(Tensor::full({100, 100}, 0.5, DType::float64), true); }

TEST(TapeMemory, BackwardReleasesWhatWasCaptured) {
  Variable x = large_leaf();
  const std::size_t before = in_use();
  const Variable loss = sum(exp(tanh(x * x)));
  EXPECT_GE(in_use(), before + 3 * 80000);
  loss.backward();
  x.clear_grad();
  // The loss itself is all that is left: one block of the smallest size.
  EXPECT_EQ(in_use(), before + kAlignment);
}

TEST(TapeMemory, BackwardFreesTheTapeAsItGoes) {
  // A chain of n results: while it is replayed, the tensors of the part behind must not pile up together with
  // the gradients of the part in front.
  const Variable x = large_leaf();
  const std::size_t before = in_use();
  Variable y = x;
  constexpr int kLength = 50;
  for (int i = 0; i < kLength; ++i) y = tanh(y);
  Variable loss = sum(y);
  y = Variable();
  const std::size_t forward = in_use() - before;
  release_cached_memory();
  const std::size_t reached = allocator_statistics().system_allocations;
  loss.backward();
  // Gradients reuse what the replayed part gave back: a few new blocks, not one for each operation.
  EXPECT_LE(allocator_statistics().system_allocations - reached, 6U);
  EXPECT_GE(forward, static_cast<std::size_t>(kLength) * 80000);
}

TEST(TapeMemory, AResultThatDiesUnreplayedReleasesItsTape) {
  const Variable x = large_leaf();
  const std::size_t before = in_use();
  { const Variable loss = sum(exp(tanh(x * x))); }
  EXPECT_EQ(in_use(), before);
}

TEST(TapeMemory, NothingIsHeldWhileNotRecording) {
  const Variable x = large_leaf();
  const std::size_t before = in_use();
  const NoGrad no_grad;
  Variable y = x;
  for (int i = 0; i < 10; ++i) y = tanh(y);
  EXPECT_LE(in_use(), before + 90000);  // the last result alone
}

constexpr int kLong = 200000;

Variable long_chain(const Variable& x) {
  Variable y = x;
  for (int i = 0; i < kLong; ++i) y = y + 1.0;
  return y;
}

TEST(TapeMemory, ALongTapeIsReplayedWithoutRecursion) {
  const Variable x(Tensor::zeros({}, DType::float64), true);
  const Variable y = long_chain(x);
  EXPECT_EQ(y.item(), kLong);
  y.backward();
  EXPECT_EQ(x.grad().item(), 1);
}

TEST(TapeMemory, ALongTapeIsDestroyedUnreplayedWithoutRecursion) {
  const Variable x(Tensor::zeros({}, DType::float64), true);
  const std::size_t before = in_use();
  { const Variable y = long_chain(x); }
  EXPECT_EQ(in_use(), before);
}

TEST(TapeMemory, ALongTapeInterruptedByAnExceptionIsDestroyedToo) {
  const Variable x(Tensor::zeros({}, DType::float64), true);
  const std::size_t before = in_use();
  {
    const Variable broken = Variable::from_op("broken", Tensor::zeros({}, DType::float64), {long_chain(x)},
                                              [](const Tensor&, Gradients&) { throw Error("no gradient"); });
    EXPECT_THROW(broken.backward(), Error);
  }
  EXPECT_EQ(in_use(), before);
}

}  // namespace
}  // namespace keel
