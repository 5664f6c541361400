#include "keel/autograd/variable.h"

#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "keel/ops/arithmetic.h"
#include "keel/ops/elementwise.h"
#include "support/errors.h"

namespace keel {
namespace {

using testing::message_of;

Variable leaf(double value, bool requires_grad = true) {
  return Variable(Tensor::full({}, value, DType::float64), requires_grad);
}
Variable leaf(std::initializer_list<double> values) {
  return Variable(Tensor::from<double>({static_cast<Index>(values.size())}, values), true);
}

TEST(Variable, ALeafHoldsItsTensor) {
  const Tensor t = Tensor::full({2, 3}, 4);
  const Variable x(t);
  EXPECT_TRUE(x.value().shares_elements_with(t));
  EXPECT_EQ(x.shape(), (Shape{2, 3}));
  EXPECT_EQ(x.dtype(), DType::float32);
  EXPECT_FALSE(x.requires_grad());
  EXPECT_FALSE(x.grad().defined());
  EXPECT_EQ(leaf(2.5).item(), 2.5);
}

TEST(Variable, CopiesAreTheSameVariable) {
  Variable x = leaf(1);
  const Variable same = x;
  x.set_value(Tensor::full({}, 7, DType::float64));
  EXPECT_EQ(same.item(), 7);
  EXPECT_TRUE(x == same);
  EXPECT_FALSE(x == leaf(7));
}

TEST(Variable, AnUndefinedOneSaysSo) {
  Variable none;
  EXPECT_FALSE(none.defined());
  EXPECT_FALSE(none.requires_grad());
  EXPECT_EQ(message_of([&] { (void)none.value(); }), "[variable] used before it was given a value");
  EXPECT_EQ(message_of([&] { none.backward(); }), "[variable] used before it was given a value");
  EXPECT_EQ(message_of([] { Variable x{Tensor()}; }), "[variable] expected a tensor, found an undefined one");
}

TEST(Variable, OnlyRealLeavesCanRequireAGradient) {
  EXPECT_EQ(message_of<DTypeError>([] { Variable(Tensor::zeros({2}, DType::int32), true); }),
            "[variable] gradients need float32 or float64 elements, found int32");
  Variable labels(Tensor::zeros({2}, DType::uint8));
  EXPECT_EQ(message_of<DTypeError>([&] { labels.set_requires_grad(true); }),
            "[variable] gradients need float32 or float64 elements, found uint8");
  Variable x = leaf(1);
  EXPECT_EQ(message_of<DTypeError>([&] { x.set_value(Tensor::zeros({}, DType::int32)); }),
            "[set_value] gradients need float32 or float64 elements, found int32");
}

TEST(Variable, AResultIsNotALeaf) {
  Variable y = leaf(2) * leaf(3);
  EXPECT_TRUE(y.requires_grad());
  EXPECT_EQ(message_of([&] { y.set_value(Tensor::zeros({}, DType::float64)); }),
            "[set_value] expected a leaf, found the result of 'multiply'");
  EXPECT_EQ(message_of([&] { y.mutable_value(); }),
            "[mutable_value] expected a leaf, found the result of 'multiply'");
  EXPECT_EQ(message_of([&] { y.set_requires_grad(false); }),
            "[set_requires_grad] expected a leaf, found the result of 'multiply'");
}

TEST(Variable, TheResultOfConstantsIsALeaf) {
  Variable y = leaf(2, false) * leaf(3, false);
  EXPECT_FALSE(y.requires_grad());
  y.set_value(Tensor::full({}, 1, DType::float64));
  EXPECT_EQ(message_of([&] { y.backward(); }),
            "[backward] nothing to differentiate: no input requires a gradient, or recording was off");
}

TEST(Variable, SetGradWantsTheShapeAndTypeOfTheValue) {
  Variable x = leaf({1, 2});
  x.set_grad(Tensor::full({2}, 5, DType::float64));
  EXPECT_EQ(x.grad().at({1}), 5);
  EXPECT_EQ(message_of<ShapeError>([&] { x.set_grad(Tensor::zeros({3}, DType::float64)); }),
            "[set_grad] expected shape [2], found [3]");
  EXPECT_EQ(message_of<DTypeError>([&] { x.set_grad(Tensor::zeros({2})); }),
            "[set_grad] expected float64 elements, found float32");
  x.clear_grad();
  EXPECT_FALSE(x.grad().defined());
}

TEST(Variable, SetGradCopiesWhatSomebodyElseHolds) {
  const Tensor mine = Tensor::full({}, 5, DType::float64);
  const Variable a = leaf(3);
  Variable b = leaf(4);
  b.set_grad(mine);
  (a * b).backward();
  EXPECT_EQ(b.grad().item(), 5 + 3);
  EXPECT_EQ(mine.item(), 5);
  Tensor given = Tensor::full({}, 7, DType::float64);
  const std::byte* const elements = given.bytes();
  b.set_grad(std::move(given));
  EXPECT_EQ(b.grad().bytes(), elements);  // nobody else's: no copy
  EXPECT_EQ(message_of([&] { b.set_grad(Tensor()); }),
            "[set_grad] expected a tensor, found an undefined one");
}

TEST(Variable, SetValueDropsAGradientThatNoLongerFits) {
  Variable w(Tensor::ones({10}, DType::float64), true);
  const auto square = [&] { (w * w).backward(Tensor::ones(w.shape(), w.dtype())); };
  square();
  w.set_value(Tensor::full({10}, 3, DType::float64));
  EXPECT_EQ(w.grad().at({9}), 2);  // it still fits
  w.set_value(Tensor::ones({500}, DType::float64));
  EXPECT_FALSE(w.grad().defined());
  square();
  EXPECT_EQ(w.grad().shape(), Shape{500});
  EXPECT_EQ(w.grad().at({499}), 2);
  w.set_value(Tensor::ones({500}));
  EXPECT_FALSE(w.grad().defined());
  square();
  EXPECT_EQ(w.grad().dtype(), DType::float32);
}

TEST(ChangesAfterTheForwardPass, OfShapeOrElementTypeAreRefused) {
  Variable w(Tensor::ones({100}, DType::float64), true);
  const Variable other = leaf(2);
  Variable y = relu(w) * other;
  w.set_value(Tensor::ones({2}, DType::float64));
  const Tensor seed = Tensor::ones({100}, DType::float64);
  EXPECT_EQ(message_of<ShapeError>([&] { y.backward(seed); }),
            "[relu] backward: input 0 was [100] in the forward pass and is [2] now");
  w.set_value(Tensor::ones({100}));
  EXPECT_EQ(message_of<DTypeError>([&] { y.backward(seed); }),
            "[relu] backward: input 0 was float64 in the forward pass and is float32 now");
  EXPECT_FALSE(other.grad().defined());  // refused before anything was added
  w.set_value(Tensor::ones({100}, DType::float64));
  y.backward(seed);
  EXPECT_EQ(w.grad().at({99}), 2);
}

TEST(ChangesAfterTheForwardPass, OfShapeWhileBackwardRunsAreRefusedToo) {
  Variable w(Tensor::ones({100}, DType::float64), true);
  const auto change_and = [&](const auto& write) {
    w.set_value(Tensor::ones({100}, DType::float64));
    const Variable y =
        Variable::from_op("shrink", Tensor::zeros({}, DType::float64), {w}, [&](const Tensor&, Gradients& g) {
          w.set_value(Tensor::ones({2}, DType::float64));
          write(g);
        });
    return message_of<ShapeError>([&] { y.backward(); });
  };
  const std::string expected = "[shrink] backward: input 0 was [100] in the forward pass and is [2] now";
  EXPECT_EQ(change_and([](Gradients& g) { g.add_to(0); }), expected);
  EXPECT_EQ(change_and([](Gradients& g) { g.add(0, Tensor::ones({100}, DType::float64)); }), expected);
}

TEST(ChangesAfterTheForwardPass, AGradientOfAnEarlierShapeIsNoAccumulator) {
  Variable w(Tensor::ones({10}, DType::float64), true);
  w.set_grad(Tensor::ones({10}, DType::float64));
  w.mutable_value() = Tensor::ones({500}, DType::float64);  // past set_value(), which would drop the gradient
  const Variable y = relu(w);
  EXPECT_EQ(message_of<ShapeError>([&] { y.backward(Tensor::ones({500}, DType::float64)); }),
            "[relu] backward: expected a gradient of shape [500] for input 0, found [10]");
}

TEST(ChangesAfterTheForwardPass, InPlaceAreRefused) {
  const Variable a = leaf(3);
  Variable b = leaf(5), constant = leaf(7, false);
  const Variable first = a * b;
  b.mutable_value().fill(6);
  EXPECT_EQ(message_of([&] { first.backward(); }),
            "[multiply] backward: input 1 was changed in place after the forward pass");
  EXPECT_FALSE(a.grad().defined());  // refused before anything was added
  // Constants are as much a part of the gradients of the others.
  const Variable second = constant * a;
  constant.mutable_value().fill(8);
  EXPECT_EQ(message_of([&] { second.backward(); }),
            "[multiply] backward: input 0 was changed in place after the forward pass");
  (a * b).backward();
  EXPECT_EQ(a.grad().item(), 6);
}

TEST(ChangesAfterTheForwardPass, BySetValueLeaveTheGradientsOfTheOldValue) {
  const Variable a = leaf(3);
  Variable b = leaf(5);
  const Variable y = a * b;
  b.set_value(Tensor::full({}, 100, DType::float64));
  y.backward();
  EXPECT_EQ(a.grad().item(), 5);
  EXPECT_EQ(b.grad().item(), 3);
}

TEST(Backward, GivesEachLeafItsGradientAndConstantsNone) {
  const Variable a = leaf(3), b = leaf(5), constant = leaf(7, false);
  const Variable y = a * b + constant * a;
  y.backward();
  EXPECT_EQ(a.grad().item(), 12);
  EXPECT_EQ(b.grad().item(), 3);
  EXPECT_FALSE(constant.grad().defined());
  EXPECT_FALSE(y.grad().defined());
}

TEST(Backward, OfALeafIsOne) {
  const Variable x = leaf(3);
  x.backward();
  x.backward();
  EXPECT_EQ(x.grad().item(), 2);
}

TEST(Backward, AddsToWhatIsThere) {
  Variable a = leaf(3);
  (a * a).backward();
  EXPECT_EQ(a.grad().item(), 6);
  (a * 4.0).backward();
  EXPECT_EQ(a.grad().item(), 10);
  a.clear_grad();
  (a * 4.0).backward();
  EXPECT_EQ(a.grad().item(), 4);
}

TEST(Backward, AHandleOfTheGradientTakenEarlierDoesNotBecomeAnAccumulatorOfTwo) {
  // The gradient of a sum is one tensor for both operands: each leaf must get elements of its own.
  Variable a = leaf(1), b = leaf(2);
  (a + b).backward();
  (a * 10.0).backward();
  EXPECT_EQ(a.grad().item(), 11);
  EXPECT_EQ(b.grad().item(), 1);
  const Tensor seed = Tensor::full({}, 3, DType::float64);
  Variable c = leaf(1);
  c.backward(seed);
  c.backward(seed);
  EXPECT_EQ(seed.item(), 3);
  EXPECT_EQ(c.grad().item(), 6);
}

TEST(Backward, ADiamondSumsOverItsPaths) {
  const Variable x = leaf(2);
  const Variable left = x * x, right = exp(x);
  (left * right).backward();  // (x^2 e^x)' = (2x + x^2) e^x
  EXPECT_NEAR(x.grad().item(), 8 * std::exp(2.0), 1e-12);
}

TEST(Backward, EachResultHasItsWholeGradientBeforeItsTurn) {
  // y = h + h^2 + h^3 with h = 2x: h is used near the end and near the start of the tape.
  const Variable x = leaf(1.5);
  const Variable h = x * 2.0;
  const Variable square = h * h, cube = square * h;
  (h + square + cube).backward();
  EXPECT_EQ(x.grad().item(), 2 * (1 + 2 * 3 + 3 * 9));
}

TEST(Backward, AVariableUsedManyTimes) {
  const Variable x = leaf(3);
  Variable sum = x;
  for (int i = 0; i < 999; ++i) sum = sum + x;
  sum.backward();
  EXPECT_EQ(x.grad().item(), 1000);
}

TEST(Backward, DoublingFortyTimesVisitsEachNodeOnce) {
  // 2^40 paths from the end to the start.
  const Variable x = leaf(1);
  Variable y = x;
  for (int i = 0; i < 40; ++i) y = y + y;
  y.backward();
  EXPECT_EQ(x.grad().item(), 0x1p40);
}

TEST(Backward, FromAnIntermediateResultReachesOnlyWhatIsBelow) {
  const Variable x = leaf(3), other = leaf(5);
  const Variable h = x * x;
  const Variable y = h * other;
  h.backward();
  EXPECT_EQ(x.grad().item(), 6);
  EXPECT_FALSE(other.grad().defined());
  EXPECT_EQ(message_of([&] { y.backward(); }),
            "[backward] a part of the tape was freed by an earlier backward(); run the forward pass again");
  EXPECT_FALSE(other.grad().defined());  // refused before anything was added
}

TEST(Backward, TwiceIsAnErrorThatSaysWhy) {
  const Variable x = leaf(3);
  const Variable y = x * x;
  y.backward();
  EXPECT_EQ(message_of([&] { y.backward(); }),
            "[backward] the tape was freed by an earlier backward(); run the forward pass again");
  EXPECT_EQ(x.grad().item(), 6);
}

TEST(Backward, FromMoreThanOneElementNeedsASeed) {
  const Variable x = leaf({1, 2, 3});
  const Variable y = x * x;
  EXPECT_EQ(message_of<ShapeError>([&] { y.backward(); }),
            "[backward] expected a scalar (a loss), found shape [3]; pass the gradient of this variable");
  EXPECT_EQ(message_of<ShapeError>([&] { y.backward(Tensor::ones({2}, DType::float64)); }),
            "[backward] expected a seed of shape [3], found [2]");
  EXPECT_EQ(message_of<DTypeError>([&] { y.backward(Tensor::ones({3})); }),
            "[backward] expected a seed of float64 elements, found float32");
  y.backward(Tensor::from<double>({3}, {1, 10, 100}));  // still possible: nothing was freed
  EXPECT_EQ(x.grad().at({0}), 2);
  EXPECT_EQ(x.grad().at({1}), 40);
  EXPECT_EQ(x.grad().at({2}), 600);
}

TEST(Backward, OneElementOfAnyRankIsAScalar) {
  const Variable x(Tensor::full({1, 1}, 3, DType::float64), true);
  (x * x).backward();
  EXPECT_EQ(x.grad().at({0, 0}), 6);
}

TEST(Backward, AResultMadeInAnotherThreadKeepsItsPlaceInTheOrder) {
  const Variable x = leaf(3);
  // Many results here first, so that counting by thread would give the other thread's result a lower number
  // than the ones it is made from.
  Variable h = x;
  for (int i = 0; i < 100; ++i) h = h + 1.0;
  Variable y;
  std::thread([&] { y = h * h; }).join();
  y.backward();
  EXPECT_EQ(x.grad().item(), 2 * 103);
}

TEST(Recording, IsOffInsideNoGradAndComesBack) {
  const Variable x = leaf(3);
  EXPECT_TRUE(is_recording());
  {
    const NoGrad no_grad;
    EXPECT_FALSE(is_recording());
    EXPECT_FALSE((x * x).requires_grad());
    {
      const RecordingGuard on(true);
      EXPECT_TRUE((x * x).requires_grad());
    }
    EXPECT_FALSE(is_recording());
    bool elsewhere = false;
    std::thread([&] { elsewhere = is_recording(); }).join();
    EXPECT_TRUE(elsewhere);
  }
  EXPECT_TRUE((x * x).requires_grad());
  try {
    const NoGrad no_grad;
    throw 1;
  } catch (int) {
  }
  EXPECT_TRUE(is_recording());
}

TEST(Recording, BackwardWorksWhileItIsOff) {
  const Variable x = leaf(3);
  const Variable y = x * x;
  const NoGrad no_grad;
  y.backward();
  EXPECT_EQ(x.grad().item(), 6);
}

TEST(Detach, CutsTheTapeAndSharesTheValue) {
  const Variable x = leaf(3);
  const Variable h = x * x;
  const Variable cut = h.detach();
  EXPECT_FALSE(cut.requires_grad());
  EXPECT_TRUE(cut.value().shares_elements_with(h.value()));
  (cut * x).backward();
  EXPECT_EQ(x.grad().item(), 9);
}

TEST(GradientsOfAnOperation, MustHaveTheShapeAndTypeOfTheInput) {
  const auto with = [](const Tensor& gradient) {
    const Variable x = leaf({1, 2});
    const Variable y = Variable::from_op("broken", Tensor::zeros({}, DType::float64), {x},
                                         [=](const Tensor&, Gradients& g) { g.add(0, gradient); });
    y.backward();
  };
  EXPECT_EQ(message_of<ShapeError>([&] { with(Tensor::zeros({3}, DType::float64)); }),
            "[broken] backward: expected a gradient of shape [2] for input 0, found [3]");
  EXPECT_EQ(message_of<DTypeError>([&] { with(Tensor::zeros({2})); }),
            "[broken] backward: expected a gradient of float64 elements for input 0, found float32");
}

TEST(GradientsOfAnOperation, KnowWhichInputsWantOne) {
  const Variable x = leaf(1), constant = leaf(2, false);
  bool called = false;
  const Variable y = Variable::from_op("three", Tensor::zeros({}, DType::float64), {x, constant, Variable()},
                                       [&](const Tensor&, Gradients& g) {
                                         called = true;
                                         EXPECT_TRUE(g.wants(0));
                                         EXPECT_FALSE(g.wants(1));
                                         EXPECT_FALSE(g.wants(2));
                                         EXPECT_EQ(g.add_to(0).item(), 0);
                                       });
  y.backward();
  EXPECT_TRUE(called);
}

}  // namespace
}  // namespace keel
